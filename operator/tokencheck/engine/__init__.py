"""What runs passes: workers, the deadline timer, the measure of the loop's lag; start and stop.

Not here: any kind of object (passes are handed in by kind), any clock of its own, any thread.
Everything runs in one event loop and is called from it.
"""
