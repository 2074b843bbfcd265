"""What runs for long: the operator's process.

It joins ports and clients, and owns clocks, signals and threads.

Not here: any decision about tokens (`core`), any request (`clients`).
"""
