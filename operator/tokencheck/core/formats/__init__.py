"""Report -> text for people and programs. Pure: printing and colours are the command line's.

Not here: which rows there are (`core.audit`).
"""
