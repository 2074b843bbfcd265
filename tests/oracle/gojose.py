"""The Go program, asked line by line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Self

from goprogram import built
from oracle.draft import Case

_SOURCE = Path(__file__).parent / "gojose"


class GoJose:
    """What the library finds; use it with ``with``."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [str(built(_SOURCE, "oracle"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, *_: object) -> None:
        # It ends with its input.
        self._process.communicate()

    def faults_of(self, case: Case) -> frozenset[str]:
        """The faults of one case, none when the token is good."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(case.question()).encode() + b"\n")
        self._process.stdin.flush()
        return frozenset(json.loads(self._process.stdout.readline())["faults"])
