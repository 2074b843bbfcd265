"""The sweep over the whole run: every value of every Secret, in all that any module brought out.

A watch tells each value that any Secret of any control plane of this process ever had, whoever
wrote it. When a module ends, all that came out meanwhile is searched for the values that came
meanwhile:

* logs of operators (at DEBUG), whole; their pages and what /proc shows of them, as they ended
* bodies of all requests that operators ever sent to the API server: statuses and Events too, those
  included that were overwritten or deleted since (the audit log has them whole); in a TokenReview
  the token of a service account or of a user of that API server is lawful
* logs of the servers of control planes
* of a control plane that has ended in the module: all that etcd had then, but for Secrets
* what commands said
* what issuers, introspection servers, vendors and registries were sent beside what they are asked
  about: ours, and those that others wrote, before which a tap stands (`tap.py`)
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from itertools import islice
from pathlib import Path

import jwt

from canary import Sweep
from cluster.cli import SAID
from cluster.dump import etcd_dump
from controlplane import Api, ApiError, ControlPlane
from pieces import secrets_in
from swept import Swept
from tlsserver import TlsServer

# Kept by Kubernetes and Helm: certificates, names and packed manifests.
_OTHERS = {"ca.crt", "namespace", "release"}
# The API server is asked whose a token is, and of a service account's also whether it is of this
# cluster. Source: docs/providers/kubernetes.md. And of this one a test has it asked.
_REVIEW = b'"resource":"tokenreviews"'
NOBODYS = "canary-of-a-token-that-nobody-knows"
_ACCOUNT = "kubernetes.io"  # how claims begin that such a token alone has
_BODY = b'"requestObject":'
# These plant leaks, and search themselves for what they plant.
_PLANTING = {"test_canary", "test_whole_run"}
_WATCH_S = 60.0
_AWAY = (OSError, HTTPException, ApiError, ValueError)
# Of one module, every n-th: the fault suite makes thousands, with a canary of its own in each.
_MOST_VALUES = 500


class WholeRun:
    """One for each process that runs tests."""

    def __init__(self, folder: Path) -> None:
        """`folder`: below it all logs stand."""
        # Of tests before it: no sweep follows them, and tokens of Vault share parts.
        TlsServer.heard.clear()
        self.swept = Swept(found=[], values=0, searched_bytes=0, took_s=0.0)
        self._folder = folder
        self._lock = threading.Lock()
        self._fresh: dict[str, str] = {}  # value -> where
        self._read: dict[Path, int] = {}  # how far
        self._planes: list[ControlPlane] = []
        self._left: dict[str, bytes] = {}  # of control planes that have ended

    @contextmanager
    def follow(self, plane: ControlPlane) -> Iterator[None]:
        """Meanwhile each value of its Secrets and each body sent to it is known."""
        ended = threading.Event()
        self._planes.append(plane)
        watch = threading.Thread(target=self._watch, args=(plane.api(), ended), daemon=True)
        watch.start()
        try:
            yield
        finally:
            ended.set()
            with suppress(*_AWAY):  # what the watch was too late for
                for secret in plane.api().list("Secret"):
                    self.take(secret)
            self._planes.remove(plane)
            self._left |= dict(self._of_plane(plane))
            if self._fresh:
                self._left |= etcd_dump(plane, but="secrets/")

    def search(self, module: str) -> None:
        """Search what came since the last search."""
        began = time.process_time()
        with self._lock:
            fresh, self._fresh = self._fresh, {}
        every = max(1, -(-len(fresh) // _MOST_VALUES))
        fresh = dict(islice(fresh.items(), 0, None, every))
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
            with suppress(*_AWAY):
                for event, found in api.watch("Secret", timeout_s=_WATCH_S, resourceVersion="0"):
                    if event in ("ADDED", "MODIFIED"):
                        self.take(found)
            ended.wait(0.2)

    def _texts(self) -> Iterator[tuple[str, bytes]]:
        left, self._left = self._left, {}
        yield from left.items()
        for plane in self._planes:
            yield from self._of_plane(plane)
        for path in self._folder.rglob("*.log"):
            yield str(path.relative_to(self._folder)), self._new(path)
        said, SAID[:] = "\n".join(SAID), []
        yield "commands", said.encode()
        heard, TlsServer.heard[:] = b"\n".join(TlsServer.heard), []
        yield "servers", heard

    def _of_plane(self, plane: ControlPlane) -> Iterator[tuple[str, bytes]]:
        for path in (*plane.folder.glob("*.log"), *plane.folder.glob("*/*.log")):
            audits = path.name.startswith(plane.at.audit_log.stem)  # each API server has one
            yield str(path), self._bodies(path, plane) if audits else self._new(path)

    def _bodies(self, path: Path, plane: ControlPlane) -> bytes:
        users = (plane.folder / "tokens.csv").read_text()
        whole, _, begun = self._new(path).rpartition(b"\n")
        if begun:  # it is written right now
            self._read[path] -= len(begun)
        lines = whole.splitlines()
        return b"\n".join(beside_review(line, users) for line in lines if _BODY in line)

    def _new(self, path: Path) -> bytes:
        with suppress(FileNotFoundError), path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            raw = file.read()
            self._read[path] = file.tell()
            return raw
        return b""


def beside_review(line: bytes, users: str) -> bytes:
    """What of a line of an audit log may hold no token: all but its question in a TokenReview.

    Args:
        line: none is told of one that a server that was killed left unfinished.
        users: as the API server reads them, a token first in each line.
    """
    if _REVIEW not in line:
        return line
    try:
        token = json.loads(line)["requestObject"]["spec"]["token"]
    except ValueError:
        return b""
    user = any(row.startswith(f"{token},") for row in users.splitlines())
    if user or token == NOBODYS or _of_an_account(token):
        return line.replace(f'"token":"{token}"'.encode(), b"", 1)
    return line


def _of_an_account(token: str) -> bool:
    with suppress(jwt.PyJWTError):
        claims = jwt.decode(token, options={"verify_signature": False})
        return any(name.partition("/")[0] == _ACCOUNT for name in claims)
    return False


def _told(hit: str) -> bool:
    """Eight hexadecimal digits of a checksum are among thousands of UIDs by chance."""
    return not hit.endswith("(crc32)")
