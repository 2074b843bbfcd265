"""All that was ever written, in the order of the API server's versions, reduced to what is judged.

One etcd counts the versions of all kinds, so that a status and the Secret that it speaks of have an
order, whatever the clocks say.
"""

from __future__ import annotations

import json
import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from cluster.shop import SCOPES
from faults.estates import Estate
from faults.oracle import Object, Oracle, Timeline

DRIFTING = "drifting"  # how a token is called that the world lets drift, and nothing else
Place = tuple[str, str]  # namespace, name


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """A Secret from one version on; ``data`` is None from its deletion on."""

    version: int
    at: float
    data: Object | None


@dataclass(frozen=True, slots=True)
class Release:
    """A Deployment from one version on, and whether it is rolled out."""

    at: float
    generation: int
    settled: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a status."""

    status: str
    reason: str
    since: str
    message: str


@dataclass(frozen=True, slots=True)
class Written:
    """A TokenCheck from one version on.

    Args:
        at: seconds of Unix time at which the recorder saw it.
        observed: the generation that the status speaks of.
        bound: the resourceVersion of the Secret that the status speaks of; 0 when it names none.
        wrote: whether this version is a write of the status.
        rolled: the generation of the workload that the status speaks of; 0 when it names none.
    """

    version: int
    at: float
    uid: str
    generation: int
    token: Object
    observed: int
    bound: int
    conditions: dict[str, Condition]
    wrote: bool
    workload: str = ""
    verified: int = 0
    rolled: int = 0
    baseline: str = ""

    @property
    def ready(self) -> tuple[str, str]:
        """Status and reason of Ready; empty when it is absent."""
        said = self.conditions.get("Ready")
        return (said.status, said.reason) if said else ("", "")


@dataclass(frozen=True, slots=True)
class Told:
    """An Event, when it was first said or said again."""

    at: float
    version: int
    uid: str
    reason: str
    note: str


@dataclass
class Life:
    """One TokenCheck under one uid: all its versions, and when it was deleted."""

    place: Place
    uid: str
    versions: list[Written] = field(default_factory=list)
    ended: float | None = None

    @property
    def writes(self) -> list[Written]:
        """The versions that are writes of a status."""
        return [one for one in self.versions if one.wrote]

    def spec_of(self, generation: int, at: float) -> Object | None:
        """The token's spec of a generation at a moment: a restore gives numbers out again."""
        found = [one for one in self.versions if one.generation == generation]
        before = [one for one in found if one.at <= at]
        return (before[-1] if before else found[0]).token if found else None


class History:
    """What the recorder saw. Safe to fill from several threads."""

    def __init__(self, oracle: Oracle, provider: Object) -> None:
        self._oracle = oracle
        self._provider = provider
        self._lock = threading.RLock()
        self._timelines: dict[tuple[int, int], Timeline] = {}
        self.lives: dict[str, Life] = {}
        self.current: dict[Place, Life] = {}
        self.secrets: dict[Place, list[SecretVersion]] = defaultdict(list)
        self.releases: dict[Place, list[Release]] = defaultdict(list)
        self.told: dict[str, list[Told]] = defaultdict(list)
        self.rewinds: list[float] = []
        self.estate = Estate()

    # Filling

    def take(self, event: str, found: Object, at: float) -> None:
        """One event of a watch."""
        takers = {
            "TokenCheck": self._check,
            "Secret": self._secret,
            "Deployment": self._deployment,
            "Event": self._event,
        }
        with self._lock:
            takers[found["kind"]](event, found, at)

    def rewound(self, at: float) -> None:
        """The API server's past was changed: versions before and after cannot be compared."""
        with self._lock:
            self.rewinds.append(at)
        self.estate.rewound(at)

    def vanished(self, kind: str, there: set[str], at: float) -> None:
        """What is not among these names any more is gone, and nobody said so."""
        with self._lock:
            if kind == "TokenCheck":
                for life in [one for one in self.current.values() if one.place[1] not in there]:
                    life.ended = at
                    del self.current[life.place]
            elif kind == "Secret":
                for place, versions in self.secrets.items():
                    if place[1] not in there and versions[-1].data is not None:
                        versions.append(SecretVersion(versions[-1].version, at, None))

    def _secret(self, event: str, found: Object, at: float) -> None:
        meta = found["metadata"]
        versions = self.secrets[meta["namespace"], meta["name"]]
        version = int(meta["resourceVersion"])
        data = None if event == "DELETED" else found.get("data") or {}
        last = versions[-1] if versions else ABSENT
        if (last.version, last.data) != (version, data):
            versions.append(SecretVersion(version, at, data))

    def _deployment(self, event: str, found: Object, at: float) -> None:
        if event != "DELETED":
            meta, status = found["metadata"], found.get("status", {})
            settled = status.get("observedGeneration") == meta["generation"]
            release = Release(at, meta["generation"], settled)
            self.releases[meta["namespace"], meta["name"]].append(release)

    def _check(self, event: str, found: Object, at: float) -> None:
        meta = found["metadata"]
        place = (meta["namespace"], meta["name"])
        life = self.lives.setdefault(meta["uid"], Life(place, meta["uid"]))
        life.ended = None  # a restore brings it back
        if event == "DELETED":
            life.ended = at
            if self.current.get(place) is life:
                del self.current[place]
            return
        before = self.current.get(place, life)
        if before is not life:  # a restore made it never have been
            before.ended = at
        self.current[place] = life
        last = life.versions[-1] if life.versions else None
        new = written_of(found, at, last)
        # After a restore the server gives numbers out again, to something else.
        if last is None or replace(new, at=last.at, wrote=last.wrote) != last:
            life.versions.append(new)

    def _event(self, event: str, found: Object, at: float) -> None:
        if event != "DELETED":
            # Etcd holds the older form, whatever the API is that wrote it.
            uid = found["involvedObject"].get("uid", "")
            version = int(found["metadata"]["resourceVersion"])
            told = Told(at, version, uid, found["reason"], found.get("message", ""))
            self.told[uid].append(told)

    # Reading

    def timeline(self, token: Object, secret: SecretVersion) -> Timeline:
        """What the oracle says; a drifting token was accepted with the usual scopes.

        Args:
            token: of a version that this history holds; `secret` too, or ABSENT.
        """
        asked = id(token), id(secret)  # both live as long as we do
        if asked not in self._timelines:
            accepted = {"baseline": {"scopes": SCOPES}} if token["name"] == DRIFTING else {}
            said = self._oracle.timeline(token | accepted, self._provider, secret.data)
            self._timelines[asked] = said
        return self._timelines[asked]

    def secret_versions(self, place: Place, name: str) -> list[SecretVersion]:
        """All versions of the Secret that a check in this place names."""
        with self._lock:
            return list(self.secrets.get((place[0], name), ()))

    def releases_of(self, life: Life) -> list[Release]:
        """All versions of the Deployment that a check names; none when it names none."""
        with self._lock:
            name = life.versions[-1].workload
            return list(self.releases.get((life.place[0], name), ())) if name else []

    def alive(self) -> list[Life]:
        """The checks that exist now."""
        with self._lock:
            return list(self.current.values())

    def all_lives(self) -> Iterator[Life]:
        """All checks that ever existed."""
        with self._lock:
            return iter(list(self.lives.values()))

    def events(self, uid: str) -> list[Told]:
        """All Events about an object."""
        with self._lock:
            return list(self.told.get(uid, ()))


ABSENT = SecretVersion(0, 0.0, None)


def current_at(versions: list[SecretVersion], moment: float) -> SecretVersion:
    """The version that stood at a moment."""
    place = bisect_right([one.at for one in versions], moment)
    return versions[place - 1] if place else ABSENT


def during(versions: list[SecretVersion], start: float, end: float) -> list[SecretVersion]:
    """All versions that stood at some moment of a span."""
    return [current_at(versions, start), *(one for one in versions if start < one.at <= end)]


def written_of(found: Object, at: float, last: Written | None) -> Written:
    """The object reduced; ``last`` is the version before it."""
    meta, status, spec = found["metadata"], found.get("status", {}), found["spec"]
    conditions = {
        one["type"]: Condition(
            one["status"], one["reason"], one["lastTransitionTime"], one["message"]
        )
        for one in status.get("conditions") or ()
    }
    observed = status.get("observedGeneration", -1)
    token: Object = spec["tokens"][0]
    named: Any = next((t for t in status.get("tokens") or () if t["name"] == token["name"]), {})
    bound = int(named.get("resourceVersion", 0))
    rollout = status.get("rollout", {})
    verified, rolled = rollout.get("verifiedGeneration", 0), rollout.get("generation", 0)
    said = (conditions, observed, bound, verified, rolled)
    same = last is not None and said == (
        last.conditions,
        last.observed,
        last.bound,
        last.verified,
        last.rolled,
    )
    moved = last is not None and last.generation != meta["generation"]
    return Written(
        version=int(meta["resourceVersion"]),
        at=at,
        uid=meta["uid"],
        generation=meta["generation"],
        token=token,
        observed=observed,
        bound=bound,
        conditions=conditions,
        wrote=not (same or moved),
        workload=spec.get("workloadRef", {}).get("name", ""),
        verified=verified,
        rolled=rolled,
        baseline=json.dumps(named.get("baseline")),
    )
