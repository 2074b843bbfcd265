"""The sweep over the whole run: every value of every Secret, in all that any module brought out.

A watch tells each value that any Secret of the shared control planes ever had, whoever wrote it.
When a module ends, all that came out meanwhile is searched for the values that came meanwhile:

* logs of operators (at DEBUG), whole; their pages and what /proc shows of them, as they ended
* bodies of all requests that operators ever sent to the API server: statuses and Events too, those
  included that were overwritten or deleted since (the audit log has them whole)
* what commands said
* what issuers of keys were sent, who have no business with tokens
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

from canary import Sweep
from cluster.cli import SAID
from controlplane import Api, ApiError, ControlPlane
from issuer import Issuer
from pieces import secrets_in
from swept import Swept

# Kept by Kubernetes and Helm: certificates, names and packed manifests.
_OTHERS = {"ca.crt", "namespace", "release"}
# The API server is asked whose a token is: it holds the Secret itself.
_LAWFUL = b'"resource":"tokenreviews"'
_BODY = b'"requestObject":'
# These plant leaks, and search themselves for what they plant.
_PLANTING = {"test_canary", "test_whole_run"}
_WATCH_S = 60.0


class WholeRun:
    """One for each process that runs tests."""

    def __init__(self, folder: Path) -> None:
        """`folder`: below it all logs stand."""
        self.swept = Swept(found=[], values=0, searched_bytes=0, took_s=0.0)
        self._folder = folder
        self._lock = threading.Lock()
        self._fresh: dict[str, str] = {}  # value -> where
        self._read: dict[Path, int] = {}  # how far
        self._audited: set[Path] = set()
        self._left: dict[str, bytes] = {}  # of control planes that have ended

    @contextmanager
    def follow(self, plane: ControlPlane) -> Iterator[None]:
        """Meanwhile each value of its Secrets and each body sent to it is known."""
        ended = threading.Event()
        self._audited.add(plane.at.audit_log)
        watch = threading.Thread(target=self._watch, args=(plane.api(), ended), daemon=True)
        watch.start()
        try:
            yield
        finally:
            ended.set()
            self._left[str(plane.at.audit_log)] = self._bodies(plane.at.audit_log)
            self._audited.discard(plane.at.audit_log)

    def search(self, module: str) -> None:
        """Search what came since the last search."""
        began = time.process_time()
        with self._lock:
            fresh, self._fresh = self._fresh, {}
        secrets = [one for value, at in fresh.items() for one in secrets_in(at, value)]
        texts = dict(self._texts())
        if module not in _PLANTING:
            sweep = Sweep(secrets)
            self.swept["found"] += [f"{module}: {hit}" for hit in sweep.report(texts) if _told(hit)]
        self.swept["values"] += len(fresh)
        self.swept["searched_bytes"] += sum(map(len, texts.values()))
        self.swept["took_s"] += time.process_time() - began

    def take(self, secret: dict[str, object]) -> None:
        """Know the values of a Secret."""
        data, meta = secret.get("data"), secret["metadata"]
        if not isinstance(data, dict) or not isinstance(meta, dict):
            return
        for key, text in data.items():
            value = base64.b64decode(text).decode(errors="replace")
            if key not in _OTHERS and meta.get("namespace") != "kube-system":
                with self._lock:
                    self._fresh.setdefault(value, f"{meta.get('namespace')}/{meta['name']}#{key}")

    def _watch(self, api: Api, ended: threading.Event) -> None:
        while not ended.is_set():
            # The API server restarts, or is gone for good: what is there is told again.
            with suppress(OSError, HTTPException, ApiError, ValueError):
                for event, found in api.watch("Secret", timeout_s=_WATCH_S, resourceVersion="0"):
                    if event in ("ADDED", "MODIFIED"):
                        self.take(found)
            ended.wait(0.2)

    def _texts(self) -> Iterator[tuple[str, bytes]]:
        left, self._left = self._left, {}
        yield from left.items()
        for path in self._audited:
            yield str(path), self._bodies(path)
        for path in self._folder.rglob("*.log"):
            yield str(path.relative_to(self._folder)), self._new(path)
        said, SAID[:] = "\n".join(SAID), []
        yield "commands", said.encode()
        heard, Issuer.heard[:] = b"\n".join(Issuer.heard), []
        yield "issuers", heard

    def _bodies(self, path: Path) -> bytes:
        lines = self._new(path).splitlines()
        return b"\n".join(line for line in lines if _BODY in line and _LAWFUL not in line)

    def _new(self, path: Path) -> bytes:
        with suppress(FileNotFoundError), path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            raw = file.read()
            self._read[path] = file.tell()
            return raw
        return b""


def _told(hit: str) -> bool:
    """Eight hexadecimal digits of a checksum are among thousands of UIDs by chance."""
    return not hit.endswith("(crc32)")
