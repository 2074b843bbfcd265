"""Etcd's own API, for what no API server does: versions of the past, alarms, members."""

from __future__ import annotations

import json
import urllib.request
from typing import Any


def ask(port: int, method: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer of the etcd on this port of the loopback.

    Args:
        method: ``kv/range``, say; keys and values are base64. Source: etcd's gRPC gateway.

    Raises:
        OSError: it did not answer, or refused (urllib.error.HTTPError).
    """
    url = f"http://127.0.0.1:{port}/v3/{method}"
    with urllib.request.urlopen(url, json.dumps(body).encode(), timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found
