"""Follows every status of ours on a watch: each one must be sound, and history can be read."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from controlplane import Api, ApiError
from tokencheck.core.outcome.linter import faults_of

Object = dict[str, Any]
_KINDS = ("TokenCheck", "TokenProvider")


@dataclass(frozen=True)
class Seen:
    """A version of an object, and when the watch showed it (``time.monotonic()`` and wall)."""

    at: float
    wall: float
    object: Object


class Statuses:
    """Follows all TokenChecks and TokenProviders, and finds fault with their statuses."""

    def __init__(self, admin: Api) -> None:
        self._admin = admin
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str, str], list[Seen]] = {}
        self._faults: list[str] = []
        self._threads = [
            threading.Thread(target=self._follow, args=(kind, self._now(kind)), daemon=True)
            for kind in _KINDS
        ]
        for thread in self._threads:
            thread.start()

    def of(self, kind: str, namespace: str, name: str) -> list[Seen]:
        """Every version so far, oldest first."""
        with self._lock:
            return list(self._seen.get((kind, namespace, name), ()))

    def names(self, kind: str, namespace: str) -> list[str]:
        """The objects that a namespace has or had."""
        with self._lock:
            return sorted(key[2] for key in self._seen if key[:2] == (kind, namespace))

    def end(self) -> list[str]:
        """Nothing is followed any more; returns every fault that was found."""
        self._ended.set()
        for thread in self._threads:
            thread.join(10)
        return self._faults

    def _now(self, kind: str) -> str:
        deadline = time.monotonic() + 10
        while True:
            try:
                listing = self._admin.request("GET", self._admin.path(kind))
            except ApiError as error:
                # A CRD that was established a moment ago: "storage is (re)initializing".
                if error.code != 429 or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                version: str = listing["metadata"]["resourceVersion"]
                return version

    def _follow(self, kind: str, version: str) -> None:
        while not self._ended.is_set():
            try:
                version = self._follow_once(kind, version)
            except (OSError, HTTPException, ApiError):
                # The API server restarts, or forgot the version: what is there now is looked at.
                time.sleep(0.2)
                version = "0"

    def _follow_once(self, kind: str, version: str) -> str:
        # Short watches, so that the end is noticed; each goes on exactly where the last one ended.
        asked = {"resourceVersion": version, "allowWatchBookmarks": "true"}
        for event, found in self._admin.watch(kind, timeout_s=1, **asked):
            if event == "ERROR":
                return "0"
            version = found["metadata"]["resourceVersion"]
            if event in ("ADDED", "MODIFIED"):
                self._take(kind, found)
        return version

    def _take(self, kind: str, found: Object) -> None:
        meta, status = found["metadata"], found.get("status", {})
        key = (kind, meta.get("namespace", ""), meta["name"])
        observed = status.get("observedGeneration", -1)
        # What the API server wrote itself (-1, Pending) is tested where the CRDs are.
        wrong = faults_of(status, observed) if observed >= 0 else []
        if kind == "TokenProvider":
            # Its Ready sums nothing up: rule 9 is about TokenChecks.
            wrong = [fault for fault in wrong if not fault.startswith("9:")]
        if observed > meta["generation"]:
            wrong.append(f"observedGeneration {observed} is of the future")
        with self._lock:
            self._seen.setdefault(key, []).append(Seen(time.monotonic(), time.time(), found))
            self._faults += [f"{'/'.join(key)}: {fault}: {status}" for fault in wrong]
