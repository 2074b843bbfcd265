"""What TokenChecks say, as it happens."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from demo.cluster import Cluster
from demo.shop import NAMESPACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One TokenCheck as last seen."""

    name: str
    ready: str
    reason: str
    message: str
    checks: str
    expires: datetime | None
    seen_at: float


class Watch:
    """Follows the TokenChecks of the shop in a thread; `rows` is always the latest."""

    def __init__(self, cluster: Cluster, on_row: Callable[[Row], None]) -> None:
        """Start following at once; `on_row` is told of each change, in the thread."""
        self.rows: dict[str, Row] = {}
        self._on_row = on_row
        self._changed = threading.Condition()
        where = ("get", "tokenchecks", "-n", NAMESPACE, "-o", "json", "--watch")
        self._process = subprocess.Popen(
            cluster.command(*where), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def until(self, holds: Callable[[dict[str, Row]], bool], *, timeout_s: float) -> bool:
        """Wait until the rows are as wanted; False when time is up."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not holds(self.rows):
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    return holds(self.rows)
        return True

    def close(self) -> None:
        """Nothing is followed any more."""
        self._process.terminate()
        self._process.wait()
        self._thread.join(2)

    def _follow(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  a pipe was asked for
        decoder, text = json.JSONDecoder(), ""
        for line in self._process.stdout:
            text += line
            if line.rstrip("\n") != "}":
                continue  # kubectl prints each object over many lines that end in a bare brace
            obj, end = decoder.raw_decode(text.lstrip())
            text = text.lstrip()[end:]
            self._take(obj)

    def _take(self, obj: dict[str, Any]) -> None:
        row = _row(obj)
        before = self.rows.get(row.name)
        with self._changed:
            self.rows[row.name] = row
            self._changed.notify_all()
        if before is None or (before.ready, before.reason) != (row.ready, row.reason):
            self._on_row(row)


def _row(obj: dict[str, Any]) -> Row:
    status = obj.get("status") or {}
    ready: dict[str, str] = next(
        (c for c in status.get("conditions") or () if c["type"] == "Ready"), {}
    )
    expires = status.get("expirationTime")
    return Row(
        name=obj["metadata"]["name"],
        ready=ready.get("status", ""),
        reason=ready.get("reason", ""),
        message=ready.get("message", ""),
        checks=status.get("checks", ""),
        expires=datetime.fromisoformat(expires) if expires else None,
        seen_at=time.monotonic(),
    )
