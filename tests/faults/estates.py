"""What ClusterTokenChecks are about, as etcd had it: one list of changes, oldest first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from faults.oracle import Object

OPT_OUT = "tokencheck.dev/enabled"
MAKER = "ClusterTokenCheck"
Place = tuple[str, str]  # namespace ("" of the cluster's own), name


@dataclass(frozen=True, slots=True)
class Selecting:
    """A ClusterTokenCheck of Deployments, with ``matchLabels`` alone.

    Args:
        age: sorts the older one first.
        spaces, workloads: labels that a namespace and a workload must have.
        interval: what its TokenChecks have to say.
    """

    uid: str
    age: tuple[str, str]
    spaces: frozenset[tuple[str, str]]
    workloads: frozenset[tuple[str, str]]
    interval: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A TokenCheck.

    Args:
        maker: uid of the ClusterTokenCheck that controls it; "" of one that somebody wrote.
        workload: name of the Deployment that it is about.
        interval: as it says.
        rest: all else of it that only who wrote it may change.
    """

    uid: str
    maker: str
    workload: str
    interval: str
    rest: str = ""


Labels = frozenset[tuple[str, str]]
Value = Labels | Selecting | Standing


@dataclass(frozen=True, slots=True)
class Change:
    """An object from a moment on; None: it is gone.

    Args:
        listed: it was found so, after the past was changed, and nobody wrote it.
    """

    at: float
    kind: str
    place: Place
    value: Value | None
    listed: bool = False


@dataclass
class Estate:
    """All changes. Safe to fill from several threads."""

    changes: list[Change] = field(default_factory=list)
    rewinds: list[float] = field(default_factory=list)
    _now: dict[tuple[str, Place], Value] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def take(self, event: str, found: Object, at: float, *, listed: bool = False) -> None:
        """One event; what changes nothing that counts here is no change."""
        meta = found["metadata"]
        key = found["kind"], (meta.get("namespace", ""), meta["name"])
        value = None if event == "DELETED" else _value(found)
        with self._lock:
            before = self._now.get(key)
            if _uid(before) and _uid(value) not in ("", _uid(before)):
                self._put(Change(at, *key, None, listed=listed))
                before = None
            if before != value:
                self._put(Change(at, *key, value, listed=listed))

    def vanished(self, kind: str, there: set[Place], at: float) -> None:
        """What is not in these places is gone, and nobody said so."""
        with self._lock:
            for of, place in [key for key in self._now if key[0] == kind]:
                if place not in there:
                    self._put(Change(at, of, place, None, listed=True))

    def rewound(self, at: float) -> None:
        """The API server's past was changed."""
        with self._lock:
            self.rewinds.append(at)

    def all_changes(self) -> Iterator[Change]:
        """What happened so far."""
        with self._lock:
            return iter(list(self.changes))

    def made(self) -> set[str]:
        """The uids of all TokenChecks that ClusterTokenChecks ever made."""
        values = (change.value for change in self.all_changes())
        return {one.uid for one in values if isinstance(one, Standing) and one.maker}

    def _put(self, change: Change) -> None:
        self.changes.append(change)
        key = change.kind, change.place
        if change.value is None:
            self._now.pop(key, None)
        else:
            self._now[key] = change.value


def is_made(found: Object) -> bool:
    """Whether a TokenCheck says that a ClusterTokenCheck made it."""
    return bool(_maker(found))


def _maker(found: Object) -> str:
    owners = found["metadata"].get("ownerReferences") or ()
    made = (str(o["uid"]) for o in owners if o.get("controller") and o["kind"] == MAKER)
    return next(made, "")


def _uid(value: Value | None) -> str:
    return "" if value is None or isinstance(value, frozenset) else value.uid


def _value(found: Object) -> Value:
    meta, spec = found["metadata"], found.get("spec", {})
    if found["kind"] == MAKER:
        asked = spec.get("workloads", {}).get("selector", {})
        return Selecting(
            uid=meta["uid"],
            age=(meta["creationTimestamp"], meta["name"]),
            spaces=_labels(spec["namespaceSelector"].get("matchLabels")),
            workloads=_labels(asked.get("matchLabels")),
            interval=spec["template"]["spec"]["interval"],
        )
    if found["kind"] == "TokenCheck":
        kept = [meta["generation"], meta.get("labels"), meta.get("ownerReferences")]
        maker = _maker(found)
        rest = "" if maker else str(kept)
        of = spec.get("workloadRef", {}).get("name", "")
        return Standing(meta["uid"], maker, of, spec.get("interval", ""), rest)
    return _labels(meta.get("labels"))


def _labels(found: Object | None) -> Labels:
    return frozenset((found or {}).items())
