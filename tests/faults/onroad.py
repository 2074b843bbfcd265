"""Faults of the road: what happens to requests, answers and watches between operator and server."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from faultproxy import FaultProxy, Seen
from faults.excuses import Cost
from faults.fault import Fault, Idle, Site
from faults.proxy import Fate, LineFate, Road
from faults.world import DRIFT

# How long a comparison may be away: twice the pace that the suite gives the operator, and a list.
COMPARED_S = 8.0
# Half a minute of silence is borne on a watch, and on a read.
SILENT_S = 36.0
_GARBAGE_LINE = b'{"type":"ADDED","object":{"metadata":{"na'
# What the operator sees of a failed read, for as long as it lasts.
UNREAD = Cost(unknown=True)


def requests(seen: Seen) -> bool:
    """Everything but watches."""
    return seen.verb != "watch"


def reads(seen: Seen) -> bool:
    """GET and LIST."""
    return seen.verb == "get"


def lists(seen: Seen) -> bool:
    """LIST alone: the paths of objects end in a name."""
    return seen.verb == "get" and "limit" in seen.query


def writes(seen: Seen) -> bool:
    """PATCH and POST."""
    return seen.verb in ("patch", "post")


def statuses(seen: Seen) -> bool:
    """Writes of a status."""
    return seen.verb == "patch" and seen.path.endswith("/status")


def secrets(seen: Seen) -> bool:
    """Reads of one Secret, but of those that drift.

    A new check accepts the token that it reads first. An API server answers such a read with what
    is there, never with what was there before its check was made, as this fault would.
    """
    return seen.verb == "get" and "/secrets/" in seen.path and f"/{DRIFT}" not in seen.path


@dataclass(kw_only=True)
class OnRequests(Idle):
    """A share of the requests meets its fate."""

    fate: Callable[[random.Random], Fate]
    which: Callable[[Seen], bool] = requests
    share: float = 0.5
    _hits: int = 0

    def begin(self, site: Site, chance: random.Random) -> int:
        """Requests are drawn from now on."""
        self._hits = 0
        own = random.Random(chance.random())  # drawn from in the road's thread

        def of_request(seen: Seen) -> Fate | None:
            if not self.which(seen) or own.random() >= self.share:
                return None
            self._hits += 1
            return self.fate(own)

        site.do(lambda road: road.of_requests.append(of_request))
        return 0

    def end(self, site: Site) -> int:
        """All requests go their way; returns how many did not."""
        site.do(Road.calm)
        return self._hits


@dataclass(kw_only=True)
class OnEvents(Idle):
    """A share of the lines of some watches, or of all where `plurals` is empty, meets its fate."""

    fate: Callable[[random.Random], LineFate]
    plurals: tuple[str, ...] = ("secrets",)
    kinds: tuple[bytes, ...] = (b"ADDED", b"MODIFIED", b"DELETED")
    share: float = 0.6
    _hits: int = 0

    def begin(self, site: Site, chance: random.Random) -> int:
        """Lines are drawn from now on."""
        self._hits = 0
        own = random.Random(chance.random())

        def of_line(seen: Seen, line: bytes) -> LineFate | None:
            ours = not self.plurals or seen.path.rpartition("/")[2] in self.plurals
            if not (ours and self._is_one(line)) or own.random() >= self.share:
                return None
            self._hits += 1
            return self.fate(own)

        site.do(lambda road: road.of_lines.append(of_line))
        return 0

    def end(self, site: Site) -> int:
        """All lines go their way; returns how many did not."""
        site.do(Road.calm)
        return self._hits

    def _is_one(self, line: bytes) -> bool:
        return any(line.startswith(b'{"type":"' + kind) for kind in self.kinds)


@dataclass(kw_only=True)
class Cuts(Idle):
    """Open watches are reset, again and again."""

    share: float = 0.5

    def strike(self, site: Site, chance: random.Random) -> int:
        """Some of them."""

        def cut(road: Road) -> int:
            before = road.open_streams
            road.cut(lambda _: chance.random() < self.share)
            return before

        return round(int(str(site.do(cut))) * self.share)


@dataclass(kw_only=True)
class Freezes(Idle):
    """Open watches stay open and silent: nothing but silence shows it."""

    def begin(self, site: Site, chance: random.Random) -> int:
        """All that are open now."""

        def freeze(road: Road) -> int:
            FaultProxy.freeze(road)
            return road.open_streams

        return int(str(site.do(freeze)))


@dataclass(kw_only=True)
class RefusedWatches(Idle):
    """Watches end and cannot be opened."""

    statuses: tuple[int, ...] = (410, 429, 500, 503, 504)
    _hits: int = 0

    def begin(self, site: Site, chance: random.Random) -> int:
        """Each that is opened is refused."""
        self._hits = 0
        own = random.Random(chance.random())

        def of_request(seen: Seen) -> Fate | None:
            if seen.verb != "watch":
                return None
            self._hits += 1
            return Fate(status=own.choice(self.statuses), headers={"Retry-After": "1"})

        def both(road: Road) -> None:
            road.of_requests.append(of_request)
            road.cut()

        site.do(both)
        return 0

    def end(self, site: Site) -> int:
        """They can be opened."""
        site.do(Road.calm)
        return self._hits


def _error(code: int) -> bytes:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    return json.dumps({"type": "ERROR", "object": status | {"message": "no"}}).encode()


def _delay(chance: random.Random) -> float:
    return chance.uniform(0.02, 1.2)


LATE = Cost(late_s=3.0, unknown=True)
COMPARED = Cost(fresh_s=COMPARED_S)
AGAIN = {"Retry-After": "1"}
# 429 is how a watch cache says that it is filled anew: "storage is (re)initializing".
STREAM_ERRORS = (410, 429, 500, 503, 504)


def road_faults(canary: str) -> list[Fault]:
    """Every class of faults of the road, with answers that hold the canary."""
    return [
        *_lost(canary),
        *_refused(),
        *_odd(),
        *_events(),
        *_own_kinds(),
        *_estate(),
        *_watches(),
    ]


def _lost(canary: str) -> list[Fault]:
    nonsense = f"HTTP/1.1 2x0 {canary}\r\nX: {canary}\r\n\r\n".encode()
    return [
        OnRequests(name="request lost", cost=UNREAD, fate=lambda _: Fate(lost="request")),
        OnRequests(name="answer lost", cost=UNREAD, fate=lambda _: Fate(lost="answer")),
        OnRequests(name="answer cut off", cost=UNREAD, fate=lambda _: Fate(cut=True)),
        OnRequests(name="answer is no HTTP", cost=UNREAD, fate=lambda _: Fate(garbage=nonsense)),
        OnRequests(
            name="half-open request",
            cost=Cost(fresh_s=SILENT_S, late_s=SILENT_S, unknown=True),
            fate=lambda _: Fate(silent=True),
            share=0.1,
            weight=0.3,
            slow=True,
        ),
    ]


def _refused() -> list[Fault]:
    throttled = Fate(status=429, headers=AGAIN)
    return [
        OnRequests(name="429 with Retry-After", cost=LATE, fate=lambda _: throttled, share=0.3),
        *(
            OnRequests(name=str(code), cost=UNREAD, fate=lambda _, code=code: Fate(status=code))
            for code in (500, 503, 504)
        ),
        # All are asked once more with credentials that were read again, and most in vain.
        OnRequests(name="401", cost=UNREAD, fate=lambda _: Fate(status=401), share=0.7),
        OnRequests(
            name="500 although done", which=writes, fate=lambda _: Fate(status=500, hidden=True)
        ),
        OnRequests(name="409 to a status", which=statuses, fate=lambda _: Fate(status=409)),
        OnRequests(name="410 to a list", which=lists, fate=lambda _: Fate(status=410), share=1.0),
    ]


def _odd() -> list[Fault]:
    return [
        OnRequests(name="request twice", fate=lambda _: Fate(twice=True)),
        OnRequests(name="request late", cost=LATE, fate=lambda c: Fate(before_s=_delay(c))),
        OnRequests(name="answer late", cost=LATE, fate=lambda c: Fate(after_s=_delay(c))),
        OnRequests(
            name="stale cache", cost=LATE, which=secrets, fate=lambda _: Fate(older=True), share=0.9
        ),
    ]


def _events() -> list[Fault]:
    return [
        OnEvents(name="event swallowed", cost=COMPARED, fate=lambda _: LineFate(times=0)),
        OnEvents(name="event twice", fate=lambda _: LineFate(times=2)),
        OnEvents(
            name="event late",
            cost=Cost(late_s=3.0, fresh_s=3.0),
            fate=lambda c: LineFate(wait_s=c.uniform(0.01, 0.2)),
        ),
        OnEvents(name="event cut in its middle", fate=lambda _: LineFate(cut=True), share=0.3),
        OnEvents(
            name="garbage in a watch", fate=lambda _: LineFate(before=_GARBAGE_LINE), share=0.3
        ),
        *(
            OnEvents(
                name=f"ERROR {code} in a watch",
                fate=lambda _, code=code: LineFate(before=_error(code)),
                share=0.3,
            )
            for code in STREAM_ERRORS
        ),
    ]


def _own_kinds() -> list[Fault]:
    kind = ("tokenchecks",)
    return [
        OnEvents(
            name="own kind: event swallowed",
            cost=COMPARED,
            plurals=kind,
            fate=lambda _: LineFate(times=0),
        ),
        OnEvents(name="own kind: event twice", plurals=kind, fate=lambda _: LineFate(times=2)),
        OnEvents(
            name="own kind: ERROR in a watch",
            cost=COMPARED,
            plurals=kind,
            fate=lambda c: LineFate(before=_error(c.choice(STREAM_ERRORS))),
            share=0.02,
        ),
    ]


def _estate() -> list[Fault]:
    """Of what ClusterTokenChecks are about."""
    plurals = ("clustertokenchecks", "namespaces", "deployments")
    swallowed = LineFate(times=0)
    return [
        OnEvents(
            name="estate: event swallowed",
            cost=COMPARED,
            plurals=plurals,
            fate=lambda _: swallowed,
        )
    ]


def _watches() -> list[Fault]:
    return [
        OnEvents(
            name="bookmark swallowed",
            kinds=(b"BOOKMARK",),
            plurals=(),  # one comes at the end of a watch, so that one resource has few
            fate=lambda _: LineFate(times=0),
            share=1.0,
            weight=0.3,
        ),
        Cuts(name="watch reset", cost=COMPARED, weight=2.0),
        RefusedWatches(name="watch refused", cost=COMPARED),
        RefusedWatches(name="watch refused with 401", cost=COMPARED, statuses=(401,)),
        Freezes(
            name="watch frozen", cost=Cost(fresh_s=SILENT_S), lasts_s=0.2, weight=0.15, slow=True
        ),
    ]
