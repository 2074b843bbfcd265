"""Etcd goes back to an earlier state: what a restore from a backup does to a control plane."""

from __future__ import annotations

import base64
import os
import shutil
import signal
from pathlib import Path

from controlplane.etcd import ask
from controlplane.plane import ControlPlane
from controlplane.process import wait_listening

_BUMP = 100  # revisions above the newest that anybody has seen


def back_up(plane: ControlPlane) -> Path:
    """A copy of etcd's data as it is now; nobody notices.

    The process stands still meanwhile, so the copy is what a power cut would leave.
    """
    folder = plane.folder / "backup"
    shutil.rmtree(folder, ignore_errors=True)
    pid = plane.servers["etcd"].pid
    os.kill(pid, signal.SIGSTOP)
    try:
        shutil.copytree(plane.folder / "etcd", folder)
    finally:
        os.kill(pid, signal.SIGCONT)
    return folder


def restore(plane: ControlPlane, backup: Path, *, bump: bool) -> None:
    """The control plane is ready again, with the objects of the backup.

    Args:
        plane: etcd and the API server are stopped and started again.
        backup: from `back_up`.
        bump: let revisions go on above all that were seen, and the old ones be compacted, as
            ``etcdutl snapshot restore --bump-revision --mark-compacted`` does.
    """
    seen = _revision(plane)
    plane.stop_apiserver(kill=True)
    plane.end("etcd", kill=True)
    shutil.rmtree(plane.folder / "etcd")
    shutil.copytree(backup, plane.folder / "etcd")
    plane.begin("etcd")
    wait_listening(plane.servers["etcd"], plane.at.etcd_port)
    if bump:
        _bump(plane, seen + _BUMP)
    plane.start_apiserver()


def _bump(plane: ControlPlane, revision: int) -> None:
    while (now := _revision(plane)) < revision:
        # A transaction is one revision, whatever it holds: so one request for each.
        for _ in range(revision - now):
            ask(plane.at.etcd_port, "kv/put", {"key": _text("tokencheck/bump"), "value": ""})
    ask(plane.at.etcd_port, "kv/compaction", {"revision": str(now), "physical": False})


def _revision(plane: ControlPlane) -> int:
    answer = ask(plane.at.etcd_port, "kv/range", {"key": _text("tokencheck/bump")})
    return int(answer["header"]["revision"])


def _text(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
