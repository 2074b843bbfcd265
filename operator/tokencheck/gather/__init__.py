"""The only reading: what a pass needs to know becomes one `Evidence`.

Faults of the world (absent, denied, no answer) come back as values in it; nothing here decides
anything.
Concurrency: called from one event loop; reads of one pass run concurrently.
"""
