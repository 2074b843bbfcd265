"""Every expectation on every mounted API token, as a test that runs continuously.

The way of the data: ``notice`` (what changed) -> ``engine`` (which check is due) -> ``passes`` (one
pass)
-> ``gather`` (the only reading) -> ``core`` (pure decisions) -> ``publish`` (the only writing).
"""

__version__ = "0.1.0"
