"""The fault suite: a busy world, faults of every kind, and a truth that is told by somebody else.

``oracle`` (Go, go-jose) says what is true of a token; ``recorder`` follows every write straight at
the API server; ``invariants`` compare the two over the whole history; ``fault`` is the seam where a
class of faults is added. ``python -m faults`` runs it for as long as one wants.

Not here: the enumerated kills (``faults.kills``), and issuers.
"""
