"""The command line: a file per verb. Parse, connect, run a pass or start a program, print.

Only what a command needs is imported: `--help` and `verify` must answer at once.
"""
