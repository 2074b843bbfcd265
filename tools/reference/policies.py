"""The chart's copy of the requester policy, which the operator compares with what is installed."""

from __future__ import annotations

import yaml

from tokencheck.core.rights.policy import requester_binding, requester_policy

_HEAD = "# Written by `make docs` from operator/tokencheck/core/rights/policy.py.\n"
_WIDTH = 10_000  # an expression is a line


def render_policy() -> str:
    """The policy and its binding, as YAML."""
    manifests = [requester_policy(), requester_binding()]
    return _HEAD + yaml.safe_dump_all(manifests, sort_keys=False, width=_WIDTH)
