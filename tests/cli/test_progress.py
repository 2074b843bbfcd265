"""Long work shows how far it is on a terminal, and nothing of that is ever in the result."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

from cluster.cli import PROGRAM


def audited(folder: Path, *, terminal: bool) -> tuple[str, str]:
    """Standard output, and what standard error shows, of an audit of the folder."""
    reader, writer = pty.openpty() if terminal else os.pipe()
    try:
        done = subprocess.run(
            [str(PROGRAM), "audit", "-o", "json", "-f", str(folder)],
            stdout=subprocess.PIPE,
            stderr=writer,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TERM": "xterm"},
            check=False,
            timeout=60,
        )
        os.write(writer, b"<end>")
        shown = b""
        while not shown.endswith(b"<end>"):
            shown += os.read(reader, 65_536)
    finally:
        os.close(reader)
        os.close(writer)
    return done.stdout.decode(), shown.decode().removesuffix("<end>")


def test_an_audit_counts_on_a_terminal_and_is_silent_in_a_pipe(tmp_path: Path) -> None:
    meta = {"name": "payments", "namespace": "shop"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta}
    (tmp_path / "secret.json").write_text(json.dumps(secret | {"stringData": {"token": "x"}}))
    out, shown = audited(tmp_path, terminal=True)
    assert "Auditing" in shown
    assert "1 secrets" in shown
    piped, silent = audited(tmp_path, terminal=False)
    assert silent == ""
    assert json.loads(out).keys() == json.loads(piped).keys()
