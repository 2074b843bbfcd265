"""One row: what an admin or an issuer wrote, what the world answers, what must come."""

from __future__ import annotations

from dataclasses import dataclass, field

from island.listeners import Host
from island.names import Script

ANSWER = "Answer"  # the client returns it
BAD_URL = "BadUrl"  # the address is refused when it is read
PATIENCE_S = 30.0  # of a request that must succeed, on a machine that is busy
HASTE_S = 0.4  # of one that must not


@dataclass(frozen=True, kw_only=True)
class Vector:
    """A request, in a world of its own.

    Args:
        id: a sentence.
        expect: ANSWER, BAD_URL or the Reason of the refusal.
        may_reach: addresses where a connection is no fault; a credential may stand only where an
            answer is expected, or is one of `credential_at`.
        places: hosts that the admin lists; None for that of the url.
        way: how the token is shown; see `island.ways`.
        trust: whose certificates count: island, stranger, system, nonsense.
        environ: of the process while the request runs.
        times: how often it is asked.
    """

    id: str
    family: str
    url: str
    expect: str
    may_reach: tuple[str, ...] = ()
    credential_at: tuple[str, ...] = ()
    names: dict[str, Script] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    places: tuple[str, ...] | None = None
    cidrs: tuple[str, ...] = ()
    way: str = "header"
    trust: str = "island"
    environ: dict[str, str] = field(default_factory=dict)
    status: int = 200
    token: str = ""
    max_bytes: int = 64 * 1024
    deadline_s: float = PATIENCE_S
    times: int = 1
