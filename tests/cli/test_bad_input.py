"""Bad input is answered in one line that says what to type instead."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("gett", "There is no command 'gett'. Did you mean get?"),
        ("zzz", "There is no command 'zzz'. See tokencheck --help."),
        ("explain a/b/c", "names no object. Write NAME, or KIND/NAME"),
        ("doctor --url foo", "write http://127.0.0.1:8080"),
        ("doctor --url http:", "write http://127.0.0.1:8080"),
        ("due --within soon", "write 30d, 12h or 1d12h"),
        ("due -A -n shop", "leave out -n, or leave out -A"),
        ("rbac author -n shop", "--user NAME or --group NAME"),
        ("rbac author -n Shop! --user ann", "-n is no name of a namespace"),
        ("rbac author -n shop --user ann --configmap Keys!", "--configmap is no name"),
        ("rbac --account tokencheck", "Write it like tokencheck-system:tokencheck"),
    ],
)
def test_bad_input_is_told_in_one_line(program: Path, typed: str, told: str) -> None:
    env = {"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [str(program), *typed.split()], env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_version_is_asked_for_in_both_ways(program: Path) -> None:
    asked = [
        subprocess.run([str(program), word], capture_output=True, text=True, check=True).stdout
        for word in ("version", "--version")
    ]
    assert asked[0] == asked[1]
