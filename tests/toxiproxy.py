"""Toxiproxy, which we did not write, before servers of the tests: what they say arrives spoilt."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Self

from goprogram import built

_SOURCE = Path(__file__).parent / "toxics/toxiproxy"
NEVER_MS = 300_000
Toxic = dict[str, Any]
# What goes wrong on the way back to the operator. Source: its README.md, "Toxics".
TOXICS: dict[str, Toxic] = {
    "latency": {"type": "latency", "attributes": {"latency": NEVER_MS}},
    "timeout": {"type": "timeout", "attributes": {"timeout": 0}},  # it says nothing, ever
    "reset_peer": {"type": "reset_peer", "attributes": {"timeout": 0}},
    "limit_data": {"type": "limit_data", "attributes": {"bytes": 1}},
    # Byte by byte, each a tenth of a second after the other.
    "slicer": {"type": "slicer", "attributes": {"average_size": 1, "delay": 100_000}},
}


class Toxiproxy:
    """Roads to servers on this machine, each known by where it begins. Use it with ``with``."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [str(built(_SOURCE, "toxiproxy"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, *_: object) -> None:
        # It ends with its input.
        self._process.communicate()

    def road(self, upstream: str, *toxics: Toxic) -> str:
        """Where a new road to ``host:port`` begins, as ``host:port``."""
        return self._asked(upstream=upstream, toxics=toxics)

    def spoil(self, road: str, *toxics: Toxic) -> None:
        """This is wrong on it from now on, and nothing else."""
        self._asked(name=road, toxics=toxics)

    def _asked(self, **asked: object) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        made = json.loads(self._process.stdout.readline())
        assert "fault" not in made, made["fault"]
        return str(made["name"])
