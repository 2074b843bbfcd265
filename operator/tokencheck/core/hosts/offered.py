"""What a TokenProvider is good for, to its users: whose tokens, by which keys, sent to whom."""

from collections.abc import Mapping
from typing import Any

from tokencheck.api.tokenprovider import JwtTrust, TokenProvider
from tokencheck.api.urls import Url
from tokencheck.api.vendor import Vendor
from tokencheck.core.hosts.dialled import told_place


def offered_of(provider: TokenProvider) -> dict[str, Any]:
    """Return it as JSON values, with how the provider stands; what is absent is left out.

    ``keys`` says where the public keys come from, ``introspection`` and ``vendor`` who is
    shown tokens.
    """
    jwt, asks, vendor = provider.jwt, provider.introspection, provider.vendor
    ready, reachable = (_condition(provider, kind) for kind in ("Ready", "Reachable"))
    values = {
        "name": provider.name,
        "issuer": jwt.issuer if jwt else None,
        "algorithms": list(jwt.algorithms) if jwt else None,
        "keys": _keys(jwt) if jwt else None,
        "introspection": _server(asks.url) if asks else None,
        "vendor": _vendor(vendor) if vendor else None,
        "ready": ready.get("status", "Unknown"),
        "reason": ready.get("reason"),
        "message": ready.get("message"),
        "reachable": reachable.get("status"),
        "lastReachableTime": provider.status.get("lastReachableTime"),
        "lastAnswerTime": provider.status.get("lastAnswerTime"),
    }
    return {name: value for name, value in values.items() if value}


def _vendor(vendor: Vendor) -> dict[str, str]:
    return {"type": str(vendor.type), **(_server(vendor.server) if vendor.server else {})}


def _keys(jwt: JwtTrust) -> dict[str, str]:
    if jwt.remote is not None:
        kind = "Discovery" if jwt.remote.discovery else "URL"
        return {"type": kind, **_server(jwt.remote.url)}
    if jwt.config_map is not None:
        return {"type": "ConfigMap", "name": jwt.config_map.name, "key": jwt.config_map.key}
    return {"type": "Inline"}


def _server(url: Url) -> dict[str, str]:
    return {"host": told_place(url), "url": str(url)}


def _condition(provider: TokenProvider, kind: str) -> Mapping[str, Any]:
    conditions = provider.status.get("conditions") or ()
    return next((one for one in conditions if one.get("type") == kind), {})
