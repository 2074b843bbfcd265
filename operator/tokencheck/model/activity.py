"""What the provider of a token says of it: whether it lives, and what it may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from tokencheck.api.tokencheck import Requester
from tokencheck.model.facts import Claims
from tokencheck.model.keys import Key
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed

_NOTHING = Claims()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a token may do on the paths that were asked about.

    Args:
        on: path -> capabilities, in the vendor's words; None where the answer does not tell.
        why: why it tells nothing of any of them, in words of ours; "" where it does.
        action: what mends that.
    """

    on: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    why: str = ""
    action: str = ""


_UNASKED = Capabilities()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A definite answer.

    Args:
        active: whether the provider accepts the token.
        revoked: whether it says for certain that somebody ended the token.
        claims: what it says of an active one; a part that it leaves out is None, not empty.
        until: from when on the answer says nothing more: the end of a token that somebody may
            renew meanwhile.
        why: of an inactive one, in words of ours; "" when it does not tell.
        stranger: whether it does not know the token at all: nothing says that it was ever its own.
        user: as whom an API server knows who shows an active one.
        capabilities: of an active one, on the paths that checks look for.
    """

    active: bool
    revoked: bool = False
    claims: Claims = _NOTHING
    until: datetime | None = None
    why: str = ""
    stranger: bool = False
    user: Requester | None = field(default=None, repr=False)
    capabilities: Capabilities = _UNASKED


class ActivityState(StrEnum):
    """Whether the provider's word on a token is at hand."""

    NOT_SENT = "NotSent"  # its text is wrong already, or is no token of this provider
    PENDING = "Pending"  # it is being asked for the first time
    KNOWN = "Known"  # `answer` is its present word
    FAULTED = "Faulted"  # it gives no definite answer now; `answer` is the last one, if any


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What is known of one token from its provider.

    Args:
        provider: name of the TokenProvider.
        reason: why there is no present word; None when there is one.
        detail: the same in words of ours.
        answer, answered_at: the last definite answer and when it came, whatever came since.
    """

    provider: str
    state: ActivityState
    reason: Reason | None = None
    detail: str = ""
    answer: Answer | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A check looks whether one of its tokens lives.

    Args:
        key: of the check.
        mark: the token's fingerprint.
        text: as it is presented, without white space around it.
        audiences: those for which an API server is asked about it; empty for its own.
        interval: how often the check wants to know.
        paths: on which it wants to know what the token may do.
    """

    key: Key
    mark: bytes
    text: Sealed
    interval: timedelta
    audiences: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a provider stands that is asked about tokens.

    Args:
        answered_at: when it last gave a definite answer about any; None before that.
        reason: why it gives none now; None while it does.
    """

    answered_at: datetime | None = None
    reason: Reason | None = None
    detail: str = ""
