"""Who vouches for a token, resolved: what the provider and the check say, with the keys at hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from tokencheck.api.defaults import (
    DEFAULT_ALGORITHMS,
    DEFAULT_CLOCK_SKEW,
    DEFAULT_SCOPE_CLAIMS,
    DEFAULT_TYPES,
)
from tokencheck.model.keyset import KeySet
from tokencheck.model.reasons import Reason

if TYPE_CHECKING:  # a type only: `verify` without a provider must not load its parser
    from tokencheck.api.tokenprovider import TokenProvider
    from tokencheck.api.vendor import Vendor


class TrustState(StrEnum):
    """Whether somebody vouches."""

    NONE = "None"  # neither provider nor keys: local checks only
    USABLE = "Usable"
    NOT_USABLE = (
        "NotUsable"  # provider absent, invalid, or not for this namespace: said in the same words
    )
    KEYS_UNAVAILABLE = "KeysUnavailable"  # ConfigMap or key missing, or no usable key in it
    DENIED = "Denied"  # the operator may not read the keys
    READ_FAILED = "ReadFailed"
    PENDING = "Pending"  # the provider is being asked; the pass ends and comes back


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """How one token is judged.

    Args:
        provider: name of the TokenProvider, or "".
        detail: where the keys are, or why there are none, in our words.
        issuer: what the provider demands of `iss`; the check's own expectation stands in its
            TokenSpec.
        reason: why the keys of a server are not at hand, or are not fresh; None when they are.
        read_at: when a server last gave them.
        introspected: whether the provider is asked if the token lives.
        vendor: what people call the vendor that is asked; "" for none.
        kinds: of the only tokens that it is shown; empty when any may be its own.
        digits: how many hexadecimal digits those are, where nothing else tells them; 0 for any.
        registry: host of the registry whose logins alone it is shown; "" where it is for tokens.
        by_permission: whether scopes are permissions, about each of which it is asked: what it was
            not asked about is not known.
        by_capability: whether that is so of scopes with a colon, which are capabilities on paths.
    """

    state: TrustState = TrustState.NONE
    provider: str = ""
    detail: str = ""
    keys: KeySet = KeySet()
    reason: Reason | None = None
    read_at: datetime | None = None
    introspected: bool = False
    vendor: str = ""
    kinds: tuple[str, ...] = ()
    digits: int = 0
    registry: str = ""
    by_permission: bool = False
    by_capability: bool = False
    issuer: str | None = None
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    types: tuple[str, ...] = DEFAULT_TYPES
    clock_skew: timedelta = DEFAULT_CLOCK_SKEW
    scope_claims: tuple[str, ...] = DEFAULT_SCOPE_CLAIMS
    implies: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def asks_about(self, scope: str) -> bool:
        """Return whether the provider is asked about this scope, and does not list it by itself."""
        return self.by_permission or (self.by_capability and ":" in scope)


def rules_of(provider: "TokenProvider") -> Trust:
    """Return what a provider says of tokens, before its keys are read."""
    jwt, asked = provider.jwt, provider.asked is not None
    if jwt is None:
        trust = Trust(provider=provider.name, implies=provider.implies, introspected=asked)
        return trust if provider.vendor is None else _of_vendor(trust, provider.vendor)
    return Trust(
        provider=provider.name,
        introspected=asked,
        issuer=jwt.issuer,
        algorithms=jwt.algorithms,
        types=jwt.types,
        clock_skew=jwt.clock_skew,
        scope_claims=jwt.scope_claims,
        implies=provider.implies,
    )


def _of_vendor(trust: Trust, vendor: "Vendor") -> Trust:
    return replace(
        trust,
        vendor=vendor.name,
        kinds=vendor.kinds,
        digits=vendor.digits,
        registry=vendor.registry.host if vendor.registry else "",
        by_permission=vendor.server is None,
        by_capability=vendor.by_capability,
    )
