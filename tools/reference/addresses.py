"""The chart's copy of the addresses that the operator never dials by itself."""

from __future__ import annotations

import yaml

from tokencheck.clients.ranges import NEVER, PRIVATE
from tokencheck.core.hosts.public import public_blocks

_HEAD = """\
# Written by `make docs` from operator/tokencheck/clients/egress/addresses.py.
# Networks with public addresses, and what in them no name of a provider leads to unless listed.
"""


def render_public() -> str:
    """Return them as ipBlocks of a NetworkPolicy."""
    return _HEAD + yaml.safe_dump(public_blocks((*NEVER, *PRIVATE)), sort_keys=False)
