"""The way of the data, one short file per kind; operator, audit and command line take the same.

Not here: when a pass runs (`engine`), how anything is judged (`core`).
"""
