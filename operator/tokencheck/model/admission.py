"""Whether the API server enforces in a namespace who may ask for what."""

from enum import StrEnum

REQUESTER_POLICY = "tokencheck-requester"  # and its binding; the same in every installation
PROBE_NAME = "tokencheck-enforcement-probe"


class Enforcement(StrEnum):
    """What a dry run of a TokenCheck that must be refused has shown.

    Only `PROVEN` is a proof. A policy that stands there may be bound to audit, or leave a namespace
    out; a refusal may come from somebody else.
    """

    PROVEN = "Proven"  # refused, by the policy and binding that this version ships
    ALTERED = "Altered"  # refused, but the policy or its binding is not the one that ships
    ADMITTED = "Admitted"  # not refused: who writes TokenChecks there is asked for no right
    UNGUARDED = "Unguarded"  # refused, but a policy beside it on which this rests is not ours
    UNKNOWN = "Unknown"  # refused by something else, or not tried


class Guard(StrEnum):
    """The chart's policies beside that on requesters, as they and their bindings are called."""

    PROVIDER = "tokencheck-provider"  # who says where tokens are sent
    STAMP = "tokencheck-stamp"  # whose name stands on a TokenCheck
    CLUSTER = "tokencheck-cluster"  # who has the tokens of many namespaces checked
    STATUS = "tokencheck-status"  # who writes verdicts
    BYPASS = "tokencheck-bypass"  # who breaks the glass


class BypassProof(StrEnum):
    """Whether only who may can have written the break-glass annotations in a namespace."""

    PROVEN = "Proven"  # policies are enforced there, and that on break-glass is the one that ships
    MISSING = "Missing"  # certainly not: anybody may write them
    AWAITED = "Awaited"  # not known yet, or not known for a moment: what was known counts
    UNKNOWN = "Unknown"  # not known for so long that nothing of before counts any more
