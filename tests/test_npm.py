"""Node.js is needed by some tests alone: where it is missing they say what to type, and skip."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

CODE = """
from controlplane.build import BuildError
from controlplane.npm import OIDC_PROVIDER, installed
try:
    installed(OIDC_PROVIDER)
except BuildError as error:
    print(error)
"""


def said(checkout: Path, folder: Path) -> str:
    """What is said where nothing is on PATH but this folder."""
    environment = {"PATH": str(folder), "PYTHONPATH": str(checkout / "tools"), "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def program(path: Path, prints: str) -> None:
    path.write_text(f"#!/bin/sh\necho {prints}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_without_node_or_with_an_old_one_what_mends_it_is_said(
    checkout: Path, tmp_path: Path
) -> None:
    assert "apt-get install nodejs npm" in said(checkout, tmp_path)
    program(tmp_path / "npm", "10.0.0")
    program(tmp_path / "node", "v18.20.0")
    assert "too old (v18.20.0)" in said(checkout, tmp_path)


def test_the_lock_holds_the_hash_of_each_package_and_names_no_registry(checkout: Path) -> None:
    folder = checkout / "tools" / "controlplane" / "oidcprovider"
    lock = json.loads((folder / "package-lock.json").read_text())
    packages = {name: held for name, held in lock["packages"].items() if name}
    assert len(packages) > 30
    assert all(held["integrity"].startswith("sha512-") for held in packages.values())
    assert not any("resolved" in held for held in packages.values())
