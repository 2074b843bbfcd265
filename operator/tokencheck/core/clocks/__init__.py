"""What two clocks say of each other.

Not here: reading one, and what verdicts make of time (`core.checks`).
"""
