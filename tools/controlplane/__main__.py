"""``python -m controlplane up|down|status|build``: a control plane to play with."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from controlplane.build import BuildError, build
from controlplane.cache import playground_folder
from controlplane.launch import install_ours
from controlplane.plane import ControlPlane
from controlplane.process import StartError, end_group


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A real control plane on this machine, without containers."""


@main.command("build")
@click.argument("programs", nargs=-1)
def build_command(programs: tuple[str, ...]) -> None:
    """Build PROGRAMS (all by default) into the cache and print where they are."""
    print(build(programs) if programs else build())


@main.command()
def up() -> None:
    """Start it in the background, with tokencheck's CRDs and policies."""
    folder = playground_folder()
    if running := _running(folder):
        print(f"It is up already ({len(running)} servers).")
        _say_next(folder)
        return
    shutil.rmtree(folder, ignore_errors=True)
    plane = ControlPlane(folder, detached=True).start()
    state = {name: server.pid for name, server in plane.servers.items()}
    (folder / "state.json").write_text(json.dumps(state))
    install_ours(plane)
    print(f"Kubernetes is up at {plane.at.server}; its logs are in {folder}.")
    _say_next(folder)


@main.command()
def down() -> None:
    """Stop it and forget its objects."""
    folder = playground_folder()
    running = _running(folder)
    for pid in running.values():
        # Nothing of it is kept, so nothing has to be put in order first.
        end_group(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
    print("It is down." if running else "It was not up.")


@main.command()
def status() -> None:
    """Say which servers run; exit 1 when none does."""
    folder = playground_folder()
    running = _running(folder)
    if not running:
        print("It is not up. Start it: make cluster")
        sys.exit(1)
    for name, pid in running.items():
        print(f"{name:<24} pid {pid}")
    _say_next(folder)


def _running(folder: Path) -> dict[str, int]:
    """Name and process id of every server of the state file that still is what it was."""
    try:
        state: dict[str, Any] = json.loads((folder / "state.json").read_text())
    except (OSError, ValueError):
        return {}
    # A number may be another process's by now: its command line tells.
    return {name: pid for name, pid in state.items() if f"/{name}" in _command_of(pid)}


def _command_of(pid: int) -> str:
    asked = ["ps", "-p", str(pid), "-o", "command="]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout


def _say_next(folder: Path) -> None:
    print(
        f"\n  export KUBECONFIG={folder / 'admin.kubeconfig'}\n"
        f"  export PATH={build(['kubectl'])}:$PATH\n"
        "  kubectl get nodes\n"
        "  .venv/bin/tokencheck operator --kubeconfig $KUBECONFIG --no-leader-elect\n"
        "\nmake cluster-down stops it."
    )


if __name__ == "__main__":
    try:
        main()
    except (BuildError, StartError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
