"""The only writing: one fenced status write, then events, then the board.

Not here: what to write (`core.outcome`). Concurrency: one pass per check, so writes of one check
never race here.
"""
