"""What may be asked of whom, when, and what an answer means. Pure.

Not here: sending anything (``clients.egress``), keeping what came (``gather.keyring``).
"""
