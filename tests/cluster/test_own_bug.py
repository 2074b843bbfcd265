"""A bug that ends the operator is told by its class and its place, and by nothing that it says."""

from __future__ import annotations

import json
from pathlib import Path

from cluster.shop import eventually
from controlplane import ControlPlane, OperatorProcess
from controlplane.launch import grant_operator
from faults.known_bad import Build, Change

CANARY = "eyJhbGciOiJSUzI1NiJ9.CANARY.c2ln"
BUGGY = Build(
    name="an error with a token in its text",
    changes=(
        Change(
            file="app/compare.py",
            old="        pause = 0.2\n        while True:\n",
            new=f"        raise ValueError('bad token {CANARY}')\n        while True:\n",
        ),
    ),
    breaks=("P1",),
)


def test_a_bug_ends_the_process_without_its_text(
    controlplane: ControlPlane, tmp_path: Path
) -> None:
    sources = BUGGY.make(tmp_path)
    operator = OperatorProcess(
        grant_operator(controlplane),
        tmp_path / "operator.log",
        env={"PYTHONPATH": str(sources)},
        plane=controlplane,
    )
    operator.start(ready=False)
    eventually(lambda: operator.server.exit_code is not None, timeout_s=60)
    assert operator.server.exit_code == 70
    text = operator.log_text()
    assert "CANARY" not in text
    assert "Traceback" not in text
    told = [json.loads(line) for line in text.splitlines()][-1]
    assert told["level"] == "CRITICAL"
    assert "ValueError" in told["message"]
    assert "tokencheck.app.compare:" in told["where"]
