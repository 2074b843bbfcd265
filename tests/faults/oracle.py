"""The independent evaluator: what Ready must say of a token, from when to when."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from goprogram import built

Object = dict[str, Any]
SOURCE = Path(__file__).parent / "oracle"


@dataclass(frozen=True, slots=True)
class Segment:
    """What Ready says from a second on, and what of it only warns."""

    start: float
    ready: str
    reason: str
    warns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """All segments of one token under one spec, in the order of time."""

    segments: tuple[Segment, ...]

    def at(self, moment: float) -> Segment:
        """What is true at a moment."""
        starts = [segment.start for segment in self.segments]
        return self.segments[max(0, bisect_right(starts, moment) - 1)]

    def between(self, start: float, end: float) -> tuple[Segment, ...]:
        """All that is true at some moment of the span."""
        later = (segment for segment in self.segments if start < segment.start <= end)
        return (self.at(start), *later)


class Oracle:
    """Asks the Go program; the same question is asked once. Use it with ``with``."""

    def __init__(self) -> None:
        self._known: dict[bytes, Timeline] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [str(built(SOURCE, "faults"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, *_: object) -> None:
        # It ends with its input.
        self._process.communicate()

    def timeline(self, token: Object, provider: Object, data: Object | None) -> Timeline:
        """What is true of a Secret's data (None: there is no Secret) under one token's spec."""
        asked = {"token": token, "provider": provider, "data": data, "exists": data is not None}
        line = json.dumps(asked, sort_keys=True).encode()
        digest = hashlib.sha256(line).digest()
        with self._lock:
            if digest not in self._known:
                self._known[digest] = self._ask(line)
            return self._known[digest]

    def _ask(self, line: bytes) -> Timeline:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Timeline(
            tuple(Segment(s["from"], s["ready"], s["reason"], tuple(s["warns"])) for s in answer)
        )
