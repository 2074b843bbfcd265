"""Runs a program on the island."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SETUP = """
set -e
ip link set lo up
ip route add local 0.0.0.0/0 dev lo
ip -6 route add local ::/0 dev lo
mount --bind "$ISLAND_RESOLV" /etc/resolv.conf
exec "$@"
"""


@dataclass(frozen=True)
class Ran:
    """What came of vectors: how many ran, what went wrong with which, what the process grew by."""

    count: int
    wrong: dict[str, list[str]]
    grown_kib: int


def run_vectors(checkout: Path, *args: str, code: Path | None = None) -> Ran:
    """Run vectors of ``island.run`` against the package in `code`, by default the checkout's."""
    path = [code or checkout / "operator", checkout / "tests"]
    done = run("island.run", *args, path=path, timeout_s=900)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    return Ran(result["ran"], result["wrong"], result["grown_kib"])


def why_not() -> str | None:
    """Why no island can be made here; None when it can."""
    missing = [tool for tool in ("unshare", "ip", "mount") if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} missing (Linux with util-linux and iproute2 has them)"
    done = subprocess.run([*_unshare(), "true"], capture_output=True, check=False)
    return None if done.returncode == 0 else "this machine allows no network namespaces"


def _unshare() -> list[str]:
    as_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *as_user, "--net", "--mount"]


def run(
    module: str, *args: str, path: Sequence[Path], timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m module args`` on the island; `path` stands before its other modules."""
    with tempfile.TemporaryDirectory() as folder:
        resolv = Path(folder, "resolv.conf")
        resolv.write_text("nameserver 127.0.0.1\noptions attempts:1 timeout:2\n")
        return subprocess.run(
            [*_unshare(), "sh", "-c", SETUP, "sh", sys.executable, "-m", module, *args],
            env={
                **os.environ,
                "ISLAND_RESOLV": str(resolv),
                "PYTHONPATH": os.pathsep.join(map(str, path)),
                "PYTHONDONTWRITEBYTECODE": "1",
                # A session key in this file would let whoever reads it read tokens too.
                "SSLKEYLOGFILE": str(Path(folder, "tls-keys")),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
