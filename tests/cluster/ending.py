"""An operator of its own, and its end: what it shows is kept beside its log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controlplane import ControlPlane, OperatorProcess
from controlplane.launch import grant_operator

PAGES = ("/metrics", "/healthz", "/readyz")


def end(process: OperatorProcess) -> None:
    """It has ended; its pages and its process stand in a log, and pytest shows the log's end."""
    if process.server.exit_code is None:
        with process.log.with_suffix(".shown.log").open("ab") as shown:
            for page in PAGES:
                shown.write(process.get(page)[1].encode())
            for raw in of_process(process).values():
                shown.write(raw)
    process.stop()
    print(f"--- the operator's log ({process.log}):\n{process.server.log_tail()}")


def of_process(process: OperatorProcess) -> dict[str, bytes]:
    """What other processes of the machine see of the operator; empty where there is no /proc."""
    folder = Path(f"/proc/{process.server.pid}")
    paths = [folder / name for name in ("cmdline", "environ")]
    return {f"process: {path.name}": path.read_bytes() for path in paths if path.exists()}


@contextmanager
def operator_on(plane: ControlPlane, folder: Path, *args: str) -> Iterator[OperatorProcess]:
    """An operator with the chart's rights runs; its log is in ``folder``."""
    config = grant_operator(plane)
    process = OperatorProcess(config, folder / "operator.log", args=args, plane=plane)
    try:
        yield process.start()
    finally:
        end(process)
