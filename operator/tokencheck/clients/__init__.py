"""Adapters of `model.ports` to the world: what the operator reads from it and writes to it.

Nothing is decided here. Only `app` and `cli` know this package; all else sees the ports. A foreign
exception ends here and becomes a value or a `ClusterError` with a text of ours.
"""
