"""Whether the API server enforces in a namespace who may ask for what."""

from enum import StrEnum

REQUESTER_POLICY = "tokencheck-requester"  # and its binding; the same in every installation
BYPASS_POLICY = "tokencheck-bypass"  # the same
PROBE_NAME = "tokencheck-enforcement-probe"


class Enforcement(StrEnum):
    """What a dry run of a TokenCheck that must be refused has shown.

    Only `PROVEN` is a proof. A policy that stands there may be bound to audit, or leave a namespace
    out; a refusal may come from somebody else.
    """

    PROVEN = "Proven"  # refused, by the policy and binding that this version ships
    ALTERED = "Altered"  # refused, but the policy or its binding is not the one that ships
    ADMITTED = "Admitted"  # not refused: who writes TokenChecks there is asked for no right
    UNKNOWN = "Unknown"  # refused by something else, or not tried
