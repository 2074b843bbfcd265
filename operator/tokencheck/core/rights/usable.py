"""Whether TokenChecks of a namespace may name a TokenProvider when this caller writes them."""

from collections.abc import Mapping
from enum import StrEnum

from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.core.rights.needs import OURS
from tokencheck.model.evidence import Absent, Denied, Failed, Unread
from tokencheck.model.rights import Right


class Usable(StrEnum):
    """The answer."""

    YES = "Yes"
    NO = "No"
    UNKNOWN = "Unknown"


def use_of(name: str = "") -> Right:
    """Return the right to name this TokenProvider, or with "" any; admission asks for it."""
    return Right(verb="use", group=OURS, resource="tokenproviders", name=name)


def usable(
    provider: TokenProvider | Unread, labels: Mapping[str, str] | Unread, use: bool | None
) -> Usable:
    """Return whether the provider allows the namespace, and the caller has the right to use it.

    One that does not exist, is invalid or does not allow the namespace gives the same answer, so
    that nobody learns from it which exist.

    Args:
        labels: of the namespace.
        use: whether the caller has the right; None when the API server does not say.
    """
    if use is False:
        return Usable.NO
    if isinstance(provider, Denied | Failed):
        return Usable.UNKNOWN
    allowed = None if isinstance(provider, Absent) or provider.invalid else provider.allowed
    if allowed is None or not allowed.all:
        if isinstance(labels, Denied | Failed):
            return Usable.UNKNOWN
        if allowed is None or isinstance(labels, Absent) or not allowed.selects(labels):
            return Usable.NO
    return Usable.YES if use else Usable.UNKNOWN
