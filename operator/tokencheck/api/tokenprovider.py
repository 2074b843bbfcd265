"""TokenProvider: who vouches for tokens. Cluster-scoped, written by admins only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from tokencheck.api.defaults import (
    DEFAULT_ALGORITHMS,
    DEFAULT_CLOCK_SKEW,
    DEFAULT_SCOPE_CLAIMS,
    DEFAULT_TYPES,
)
from tokencheck.api.fields import Fields
from tokencheck.api.introspection import Introspection, parse_introspection
from tokencheck.api.invalid import Invalid
from tokencheck.api.keysource import Network, RemoteKeys, parse_network, parse_remote_keys
from tokencheck.api.meta import meta_of, spec_of, status_of
from tokencheck.api.selector import Selector, parse_selector
from tokencheck.api.tokencheck import ConfigMapKeyRef
from tokencheck.api.vendor import SERVICE_ACCOUNT, Vendor, VendorType, parse_vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtTrust:
    """How JSON Web Tokens of this provider are judged.

    Args:
        jwks: the inline key set as JSON text, or None when they are elsewhere.
        config_map: key of a ConfigMap in the operator's own namespace.
        remote: a server that is asked for them.
    """

    issuer: str | None
    jwks: str | None
    config_map: ConfigMapKeyRef | None
    remote: RemoteKeys | None = None
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    types: tuple[str, ...] = DEFAULT_TYPES
    clock_skew: timedelta = DEFAULT_CLOCK_SKEW
    scope_claims: tuple[str, ...] = DEFAULT_SCOPE_CLAIMS


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenProvider:
    """A TokenProvider as the API server holds it; `invalid` lists the faults of its spec.

    Args:
        match: kinds of tokens that it is asked about though nobody listed them, as they are
            recognised.
        match_issuer: whether JWTs of its issuer are verified by its keys though nobody listed them.
    """

    name: str
    uid: str
    generation: int
    resource_version: str
    allowed: Selector
    jwt: JwtTrust | None
    introspection: Introspection | None = None
    vendor: Vendor | None = None
    match: tuple[str, ...] = ()
    match_issuer: bool = False
    network: Network = field(default_factory=Network)
    implies: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    invalid: tuple[Invalid, ...] = ()
    status: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def asked(self) -> Introspection | Vendor | None:
        """Return who is shown tokens, and asked whether they live; None for nobody."""
        return self.introspection or self.vendor

    @property
    def asks_as_anybody(self) -> bool:
        """Return whether who asks needs to be nobody in particular: a vendor at a place of its own.

        An introspection, Vault and the API server answer the operator, who proves to be it. And of
        a vendor whose tokens have no form, as those of a registry, anything may be listed: the
        operator shows it where admission is proven, so that its author may read it himself; a
        command knows nothing of it.
        """
        vendor = None if self.invalid else self.vendor
        if vendor is None or vendor.server is None or self.credentials is not None:
            return False
        return not vendor.formless and vendor.registry is None

    @property
    def credentials(self) -> str | None:
        """Return the name of the Secret, in the operator's own namespace, by which it is known."""
        return self.asked.credentials if self.asked else None


def parse_tokenprovider(obj: Mapping[str, Any]) -> TokenProvider:
    """Return the TokenProvider that `obj` holds. Total: faults are listed in `invalid`."""
    meta, fields = meta_of(obj), spec_of(obj)
    implies = fields.child("scopes").child("implies")
    return TokenProvider(
        name=meta.name,
        uid=meta.uid,
        generation=meta.generation,
        resource_version=meta.resource_version,
        allowed=_allowed(fields.child("allowedNamespaces")),
        jwt=_jwt(fields.child("jwt")) if fields.values.get("jwt") is not None else None,
        introspection=parse_introspection(
            fields.child("introspection"), fields.child("jwt").text("issuer")
        )
        if fields.values.get("introspection") is not None
        else None,
        vendor=parse_vendor(fields.child("vendor"))
        if fields.values.get("vendor") is not None
        else None,
        match=_match(fields),
        match_issuer=_match_issuer(fields),
        network=parse_network(fields),
        implies=MappingProxyType({scope: implies.texts(scope) for scope in implies.values}),
        invalid=tuple(fields.faults),
        status=status_of(obj),
    )


def _match(fields: Fields) -> tuple[str, ...]:
    """Return the kinds; only a vendor's own tokens can be told to be its own by their looks."""
    kinds = fields.child("match").texts("kinds")
    if kinds and kinds != (fields.child("vendor").text("type"),):
        fields.child("match").fault("kinds", "must be the vendor's own type")
        return ()
    return SERVICE_ACCOUNT if kinds == (VendorType.KUBERNETES,) else kinds


def _match_issuer(fields: Fields) -> bool:
    """Return whether it is for all JWTs that name its issuer."""
    wanted = fields.child("match").flag("issuer")
    if wanted and not fields.child("jwt").text("issuer"):
        fields.child("match").fault("issuer", "needs jwt.issuer, by which such a token is known")
        return False
    return wanted


def _allowed(fields: Fields) -> Selector:
    selector = parse_selector(fields.child("selector"), all_of_them=fields.flag("all"))
    if selector == Selector():
        fields.fault(
            "selector", "must select namespaces by label; write all: true to allow every namespace"
        )
    return selector


def _jwt(fields: Fields) -> JwtTrust:
    keys = fields.child("keys")
    skew = fields.duration("clockSkew")
    ref = keys.child("configMapRef")
    kind = keys.text("type")
    jwks = keys.values.get("jwks")
    if kind == "Inline" and not isinstance(jwks, Mapping):
        keys.fault("jwks", "must be a JSON Web Key Set: an object with the list keys")
    issuer = fields.text("issuer")
    return JwtTrust(
        issuer=issuer,
        remote=parse_remote_keys(keys, kind, issuer),
        jwks=json.dumps(jwks) if kind == "Inline" else None,
        config_map=ConfigMapKeyRef(name=ref.required_text("name"), key=ref.required_text("key"))
        if kind == "ConfigMap"
        else None,
        algorithms=fields.texts("algorithms") or DEFAULT_ALGORITHMS,
        types=fields.texts("types") or DEFAULT_TYPES,
        clock_skew=DEFAULT_CLOCK_SKEW if skew is None else skew,
        scope_claims=fields.texts("scopeClaims") or DEFAULT_SCOPE_CLAIMS,
    )
