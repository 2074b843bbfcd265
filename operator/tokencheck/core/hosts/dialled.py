"""The servers that a TokenProvider has the operator ask."""

from dataclasses import dataclass
from typing import Any

from tokencheck.api.keysource import places_of
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.api.urls import Url, parse_place


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """What one provider has dialled.

    Args:
        places: host and port of each server; no other one is ever asked for it.
        cidrs: private networks that their names may lead to.
    """

    provider: str
    places: tuple[Url, ...]
    cidrs: tuple[str, ...] = ()


def dialled(provider: TokenProvider) -> Dialled | None:
    """Return whom the operator may dial for it; None for nobody.

    Nobody is asked for keys that stand in the cluster, nor for an invalid provider.
    """
    remote = provider.jwt.remote if provider.jwt is not None else None
    asked = frozenset() if remote is None else places_of(remote, provider.network)
    if provider.introspection is not None:
        asked |= provider.introspection.places
    if not asked or provider.invalid:
        return None
    places = map(parse_place, asked)
    return Dialled(
        provider=provider.name,
        places=tuple(sorted((p for p in places if isinstance(p, Url)), key=_order)),
        cidrs=provider.network.cidrs,
    )


def told_place(place: Url) -> str:
    """Return ``host:port``, the usual port too; an IPv6 address stands in brackets."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    return f"{host}:{place.port}"


def document_of(one: Dialled) -> dict[str, Any]:
    """Return it as JSON values."""
    return {
        "provider": one.provider,
        "hosts": [{"host": place.host, "port": place.port} for place in one.places],
        "cidrs": list(one.cidrs),
    }


def _order(place: Url) -> tuple[str, int]:
    return place.host, place.port
