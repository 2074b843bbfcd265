"""The targets of make as a newcomer meets them."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane import build
from controlplane.cache import cache_folder
from controlplane.launch import CHECKOUT
from processes import processes_with, wait_gone


@pytest.fixture
def lure() -> Iterator[socket.socket]:
    """The API server of somebody's cluster, at which an exported KUBECONFIG points."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture
def home(tmp_path: Path, lure: socket.socket) -> dict[str, str]:
    """The environment of somebody who has built the control plane, and works on a cluster."""
    build()
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "controlplane").symlink_to(cache_folder() / "controlplane")
    exported = tmp_path / "config"
    exported.write_text(
        "{apiVersion: v1, kind: Config, current-context: it, users: [{name: it}],"
        " contexts: [{name: it, context: {cluster: it, user: it}}], clusters: [{name: it,"
        f' cluster: {{server: "https://127.0.0.1:{lure.getsockname()[1]}"}}}}]}}'
    )
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TOKENCHECK_CACHE": str(cache),
        "KUBECONFIG": str(exported),
    }


def make(
    *args: str, env: dict[str, str] | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *args],
        cwd=CHECKOUT,
        env=env,
        capture_output=True,
        text=True,
        check=check,
        timeout=120,
    )


def test_make_alone_explains_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (CHECKOUT / "Makefile").read_text(), re.M)
    assert phony
    explained = re.findall(r"^  make ([\w-]+) +\S", make().stdout, re.M)
    assert sorted(explained) == sorted(phony[1].split())
    assert make("help").stdout == make().stdout


def test_a_second_setup_does_nothing() -> None:
    make("setup")
    before = (CHECKOUT / ".venv" / ".ready").stat().st_mtime_ns
    again = make("setup").stdout
    assert "Nothing to be done" in again
    assert (CHECKOUT / ".venv" / ".ready").stat().st_mtime_ns == before


def test_a_python_that_is_too_old_is_said_with_what_to_do(tmp_path: Path) -> None:
    """A checkout of its own, so that nothing is there yet."""
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "requirements"):
        (tmp_path / name).symlink_to(CHECKOUT / name)
    done = make("-C", str(tmp_path), "setup", f"PYTHON={old}", check=False)
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert "make setup PYTHON=" in done.stderr


def test_no_target_sees_an_exported_kubeconfig(home: dict[str, str]) -> None:
    """Demo, test, cluster and bench: what make starts does not have it in its environment."""
    seen = make("--eval=shown: ; @env", "shown", env=home).stdout
    assert "TOKENCHECK_CACHE" in seen
    assert "KUBECONFIG" not in seen


def test_a_cluster_comes_up_once_says_how_to_use_it_and_goes_down(
    home: dict[str, str], lure: socket.socket
) -> None:
    try:
        said = make("cluster", env=home).stdout
        assert make("cluster", env=home).stdout.startswith("It is up already")
        exports = "\n".join(re.findall(r"^  (export .*)$", said, re.M))
        used = subprocess.run(
            ["bash", "-ec", f"{exports}\nkubectl get nodes && kubectl get tokenchecks -A"],
            env=home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert used.returncode == 0, used
        assert "Ready" in used.stdout
        assert processes_with(home["TOKENCHECK_CACHE"])
    finally:
        down = make("cluster-down", env=home).stdout
    assert "It is down." in down
    assert wait_gone(home["TOKENCHECK_CACHE"]) == []
    assert not Path(home["TOKENCHECK_CACHE"], "cluster").exists()
    assert "It was not up." in make("cluster-down", env=home).stdout
    with pytest.raises(BlockingIOError):
        lure.accept()


def test_ci_runs_what_a_person_runs() -> None:
    script = CHECKOUT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("make check test")
    subprocess.run(["bash", "-n", str(script)], check=True)
