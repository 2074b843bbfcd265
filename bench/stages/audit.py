"""A cluster of 10,000 Secrets, 2,000 workloads and 5,000 Pods: one audit beside one kubectl."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import shop
from bench.cluster import Cluster, cluster
from bench.contenders import KUBECTL, OPERATOR
from bench.stages.run import Run
from bench.summary import Figures
from bench.usage import usage_of

_TITLES = {OPERATOR: "tokencheck audit", KUBECTL: "kubectl get"}
_SAMPLE_S = 0.01
# Exit codes of `tokencheck audit`: nothing found, something found, something unknown.
_MAY_END_WITH = {OPERATOR: (0, 1, 3), KUBECTL: (0,)}


async def audit(run: Run) -> dict[str, Figures]:
    """Time and memory of `tokencheck audit -A`, and of kubectl that only lists the same."""
    took: dict[str, list[Figures]] = {}
    async with cluster() as here:
        await shop.seed(here, run.scale, run.display)
        commands = {KUBECTL: _kubectl(here)}
        if OPERATOR in run.contenders:
            commands[OPERATOR] = _audit(here)
        for _ in range(run.scale.audit_runs):
            for name, command in commands.items():
                with run.display.step(_TITLES[name], 1) as tick:
                    took.setdefault(name, []).append(await _run(name, command, here.folder))
                    tick()
    return {
        name: {figure: statistics.median(one[figure] for one in runs) for figure in runs[0]}
        for name, runs in took.items()
    }


def _kubectl(here: Cluster) -> list[str]:
    program = str(here.plane.at.programs / "kubectl")
    config = f"--kubeconfig={here.plane.kubeconfig()}"
    return [program, "get", "secrets,pods,deployments", "-A", "-o", "json", config]


def _audit(here: Cluster) -> list[str]:
    program = str(Path(sys.prefix) / "bin" / "tokencheck")
    config = f"--kubeconfig={here.plane.kubeconfig()}"
    return [program, "audit", "-A", "-o", "json", config]


async def _run(name: str, command: Sequence[str], home: Path) -> Figures:
    log = home / f"{name}.err"
    begun = time.monotonic()
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=errors,
            env={"HOME": str(home), "PATH": os.environ["PATH"]},
        )
    peak_mib, cpu_s = 0.0, 0.0
    ended = asyncio.ensure_future(process.wait())
    while not ended.done():
        # ru_maxrss would do, but it starts at what the harness itself holds when it forks.
        usage = usage_of(process.pid)
        peak_mib, cpu_s = max(peak_mib, usage.peak_mib), max(cpu_s, usage.cpu_s)
        await asyncio.wait([ended], timeout=_SAMPLE_S)
    if process.returncode not in _MAY_END_WITH[name]:
        raise RuntimeError(f"{' '.join(command)}: {log.read_text(errors='replace')[-2000:]}")
    return {"seconds": time.monotonic() - begun, "peak_mib": peak_mib, "cpu_s": cpu_s}
