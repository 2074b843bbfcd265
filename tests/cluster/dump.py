"""All that stands in etcd, as it stands there."""

from __future__ import annotations

import base64

from controlplane import ControlPlane
from controlplane.etcd import ask

_PAGE = 500


def etcd_dump(plane: ControlPlane, *, but: str) -> dict[str, bytes]:
    """Every key of etcd with its value, but for those below this one of ``/registry``."""
    found: dict[str, bytes] = {}
    start, own = b"\0", f"/registry/{but}".encode()
    while True:
        asked = {"key": start, "range_end": b"\0"}
        body = {name: base64.b64encode(raw).decode() for name, raw in asked.items()}
        pairs = ask(plane.at.etcd_port, "kv/range", body | {"limit": _PAGE}).get("kvs", [])
        for pair in pairs:
            key = base64.b64decode(pair["key"])
            if not key.startswith(own):
                found[key.decode()] = base64.b64decode(pair.get("value", ""))
        if len(pairs) < _PAGE:
            return found
        start = base64.b64decode(pairs[-1]["key"]) + b"\0"
