"""What was judged becomes the report of an audit.

Not here: the judgement (`core.checks`), the text that people read (`core.formats`).
"""
