"""The servers that a TokenProvider has the operator ask."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tokencheck.api.keysource import places_of
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.api.urls import Url, parse_place


class About(StrEnum):
    """What a server is asked about."""

    KEYS = "keys"
    TOKENS = "tokens"  # which are sent to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server, by host and port."""

    place: Url
    about: tuple[About, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """What one provider has dialled.

    Args:
        servers: no other one is ever asked for it.
        cidrs: private networks that their names may lead to.
    """

    provider: str
    servers: tuple[Server, ...]
    cidrs: tuple[str, ...] = ()


def dialled(provider: TokenProvider) -> Dialled | None:
    """Return whom the operator may dial for it; None for nobody.

    Nobody is asked for keys that stand in the cluster, nor for an invalid provider.
    """
    about: dict[str, list[About]] = {}
    for what, places in _asked(provider):
        for place in places:
            about.setdefault(place, []).append(what)
    if not about or provider.invalid:
        return None
    parsed = ((parse_place(text), what) for text, what in about.items())
    servers = (Server(place=p, about=tuple(what)) for p, what in parsed if isinstance(p, Url))
    return Dialled(
        provider=provider.name,
        servers=tuple(sorted(servers, key=lambda one: (one.place.host, one.place.port))),
        cidrs=provider.network.cidrs,
    )


def _asked(provider: TokenProvider) -> Iterator[tuple[About, frozenset[str]]]:
    if provider.jwt is not None and provider.jwt.remote is not None:
        yield About.KEYS, places_of(provider.jwt.remote, provider.network)
    if provider.asked is not None:
        yield About.TOKENS, provider.asked.places


def told_place(place: Url) -> str:
    """Return ``host:port``, the usual port too; an IPv6 address stands in brackets."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    return f"{host}:{place.port}"


def document_of(one: Dialled) -> dict[str, Any]:
    """Return it as JSON values."""
    hosts = [
        {
            "host": server.place.host,
            "port": server.place.port,
            "about": [str(what) for what in server.about],
        }
        for server in one.servers
    ]
    return {"provider": one.provider, "hosts": hosts, "cidrs": list(one.cidrs)}
