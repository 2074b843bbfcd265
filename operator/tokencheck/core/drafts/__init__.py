"""TokenChecks that nobody wrote: what an audit judges by, and what `init` proposes.

Not here: reading (`gather`), judging (`core.checks`), showing (`core.formats`).
"""
