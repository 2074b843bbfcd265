"""P1: what every token of a run carries must be nowhere else."""

from __future__ import annotations

import json
import secrets
import threading
from pathlib import Path

from canary import Secret, Sweep
from faults.oracle import Object

_CHUNK = 1 << 20
_OVERLAP = 4096


class Leaks:
    """A canary that stands in each token and in each answer that a fault makes up."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(18)
        self.answer = secrets.token_urlsafe(18)
        self._sweep = Sweep([Secret("a token", self.token), Secret("an answer", self.answer)])
        self._lock = threading.Lock()
        self.found: list[str] = []

    def look(self, place: str, found: Object) -> None:
        """Search an object as it was written."""
        text = json.dumps({k: v for k, v in found.items() if k != "metadata"}, ensure_ascii=False)
        self._report(place, text.encode())

    def look_in_file(self, path: Path) -> None:
        """Search a file, a piece at a time."""
        with path.open("rb") as file:
            rest = b""
            while chunk := file.read(_CHUNK):
                self._report(path.name, rest + chunk)
                rest = chunk[-_OVERLAP:]

    def look_in_text(self, place: str, text: str) -> None:
        """Search a page, such as the metrics."""
        self._report(place, text.encode())

    def _report(self, place: str, raw: bytes) -> None:
        hits = self._sweep.hits(raw)
        if hits:
            with self._lock:
                self.found += [f"{place}: {name}" for name in sorted(hits)]
