"""Follows every write straight in etcd, past the API server and every fault on the operator's road.

A watch at the API server would lose what was written while it was killed: its successor forgets
older versions. Etcd keeps them, and its revisions are the resourceVersions. The API server must
store JSON (``--storage-media-type=application/json``), or Secrets could not be read here.
"""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from faults.estates import MAKER, is_made
from faults.history import History
from faults.leaks import Leaks
from faults.oracle import Object

FLAGS = ("--storage-media-type=application/json",)
PREFIXES = {
    "TokenCheck": "/registry/tokencheck.dev/tokenchecks",
    "Secret": "/registry/secrets",
    "Event": "/registry/events",
    "Deployment": "/registry/deployments",
    "Namespace": "/registry/namespaces",
    MAKER: "/registry/tokencheck.dev/clustertokenchecks",
}
# What ClusterTokenChecks are about, in all namespaces.
ESTATE = ("Namespace", "Deployment", "TokenCheck", MAKER)
# One range that holds all kinds, and what little the API server writes for itself.
RANGE = (PREFIXES["Deployment"], PREFIXES["TokenCheck"])
_SILENT_S = 2.0
_PATIENCE_S = 60.0


class RecorderError(Exception):
    """A write may have been missed: the run says nothing."""


class Recorder:
    """One watch of everything, in the order of etcd, that goes on exactly where it was cut."""

    def __init__(self, etcd_port: int, namespace: str, history: History, leaks: Leaks) -> None:
        """Nothing is followed yet."""
        self._port = etcd_port
        self._namespace = namespace
        self._history = history
        self._leaks = leaks
        self._ended = threading.Event()
        self._faults: list[str] = []
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Everything from now on is seen, and what is there already."""
        revision = 0
        for kind in PREFIXES:
            found, revision = self._there_now(kind, revision)
            for one in found:
                self._take(kind, "ADDED", one, listed=True)
            ours = {one["metadata"]["name"] for one in found if self._is_ours(one)}
            self._history.vanished(kind, ours, time.time())
            if kind in ESTATE:
                there = {(o["metadata"].get("namespace", ""), o["metadata"]["name"]) for o in found}
                self._history.estate.vanished(kind, there, time.time())
        self._thread = threading.Thread(target=self._follow, args=(revision + 1,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Nothing is followed any more.

        Raises:
            RecorderError: something may have been missed.
        """
        self._ended.set()
        if self._thread is not None:
            self._thread.join(15)
            if self._thread.is_alive():
                self._faults.append("the watch did not end")
        self.require_sound()

    def require_sound(self) -> None:
        """Raises RecorderError when something may have been missed."""
        if self._faults:
            raise RecorderError("; ".join(self._faults))

    def restart(self) -> None:
        """The past was changed: what is there now is read, and followed from there."""
        self.stop()
        self._ended.clear()
        self._history.rewound(time.time())
        self.start()

    def _there_now(self, kind: str, revision: int) -> tuple[list[Object], int]:
        """What was there at a revision (0: now), and which one that is."""
        first, last = _bounds(PREFIXES[kind])
        asked = {"key": first, "range_end": last} | (
            {"revision": str(revision)} if revision else {}
        )
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                with self._asked("/v3/kv/range", asked) as said:
                    answer = json.loads(said.read())
            except (OSError, http.client.HTTPException, ValueError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                found = [_object(kind, kv) for kv in answer.get("kvs") or ()]
                return found, revision or int(answer["header"]["revision"])

    def _follow(self, revision: int) -> None:
        while not self._ended.is_set():
            try:
                for event in self._events(revision):
                    if self._ended.is_set():
                        return
                    self._told(event)
                    revision = int(event["kv"]["mod_revision"]) + 1
            except (OSError, http.client.HTTPException, ValueError):
                # Silence, or etcd restarts: it goes on from the same revision.
                time.sleep(0.02)
            except Exception as error:  # noqa: BLE001 - a recorder that ended says nothing more
                self._faults.append(f"{type(error).__name__}: {error}")
                return

    def _events(self, revision: int) -> Iterator[Object]:
        asked: Object = {"key": _bounds(RANGE[0])[0], "range_end": _bounds(RANGE[1])[1]}
        asked |= {"start_revision": str(revision), "prev_kv": True}
        with self._asked("/v3/watch", {"create_request": asked}) as said:
            for line in said:
                result = json.loads(line).get("result", {})
                if result.get("canceled"):
                    raise RecorderError(result.get("cancel_reason", "the watch ended"))
                yield from result.get("events") or ()

    def _told(self, event: Object) -> None:
        key = base64.b64decode(event["kv"]["key"]).decode()
        kind = next((kind for kind, at in PREFIXES.items() if key.startswith(f"{at}/")), None)
        if kind is None or (kind not in ESTATE and f"/{self._namespace}/" not in key):
            return
        deleted = event.get("type") == "DELETE"
        if deleted and "prev_kv" not in event:
            raise RecorderError(f"{kind}: what was deleted is compacted already")
        kept = event["prev_kv"] if deleted else event["kv"]
        found = _object(kind, kept | {"mod_revision": event["kv"]["mod_revision"]})
        self._take(kind, "DELETED" if deleted else "MODIFIED", found)

    def _take(self, kind: str, event: str, found: Object, *, listed: bool = False) -> None:
        if self._is_ours(found):
            self._history.take(event, found, time.time())
        elif kind in ESTATE:
            self._history.estate.take(event, found, time.time(), listed=listed)
        else:
            return
        if kind != "Secret":
            self._leaks.look(f"{kind} {found['metadata']['name']}", found)

    def _is_ours(self, found: Object) -> bool:
        """Whether it is of the world's own checks; one that was made there belongs to its maker."""
        return found["metadata"].get("namespace") == self._namespace and not is_made(found)

    @contextmanager
    def _asked(self, path: str, body: object) -> Iterator[http.client.HTTPResponse]:
        """An answer of etcd, and its connection closed afterwards."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_SILENT_S)
        with closing(connection):
            connection.request("POST", path, json.dumps(body))
            with closing(connection.getresponse()) as said:
                yield said


def _bounds(prefix: str) -> tuple[str, str]:
    """The first key of a kind, and the first behind it: "0" follows "/" in ASCII."""
    return _encoded(f"{prefix}/"), _encoded(f"{prefix}0")


def _object(kind: str, kv: Object) -> Object:
    found: Object = json.loads(base64.b64decode(kv["value"]))
    found["metadata"]["resourceVersion"] = kv["mod_revision"]
    return found | {"kind": kind}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
