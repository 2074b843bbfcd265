"""What a command does not need it does not load: that is most of the time of a cold start."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from itertools import count

import pytest

_LOADED = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from tokencheck.cli.main import main
main()
"""


def loaded_by(place, *args: str) -> set[str]:
    """The modules that are loaded when the command ends."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *args],
        capture_output=True,
        env=place.env,
        cwd=place.folder,
        check=False,
    )
    assert done.returncode == 0, done
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_help_loads_nothing_that_a_verb_needs(place):
    loaded = loaded_by(place, "--help")
    assert not [name for name in loaded if name.startswith(("tokencheck.core", "tokencheck.api"))]
    assert not loaded & {
        "asyncio",
        "jwt",
        "rich",
        "yaml",
        "dataclasses",
        "tokencheck.model.finding",
    }


@pytest.mark.parametrize("keys", [False, True])
def test_verify_of_a_file_loads_no_cluster_and_no_cryptography_before_there_are_keys(
    place, issuer, keys
):
    options = ["--jwks", place.file("jwks.json", json.dumps(issuer.jwks()))] if keys else []
    loaded = loaded_by(place, "verify", "--file", place.file("token", issuer.token()), *options)
    assert not loaded & {"asyncio", "aiohttp", "kubernetes", "kopf", "msgspec", "rich", "yaml"}
    assert not loaded & {"tokencheck.api.tokenprovider", "tokencheck.model.workload", "pathlib"}
    assert ("jwt" in loaded) is keys


def cpu_s(*command: str, **where: object) -> float:
    """CPU time of a process, from its start to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=True, **where)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_verify_with_keys_costs_little_more_than_the_library_that_it_needs(place, issuer, program):
    """The least of many alternating runs: what other processes take is not in it."""
    keys = place.file("jwks.json", json.dumps(issuer.jwks()))
    verify = [str(program), "verify", "--jwks", keys, "--file", place.file("token", issuer.token())]
    library = [sys.executable, "-c", "import jwt"]
    ours = theirs = float("inf")
    for run in count(1):
        theirs = min(theirs, cpu_s(*library))
        ours = min(ours, cpu_s(*verify, env=place.env, cwd=place.folder))
        if run >= 15 and (ours <= 1.5 * theirs or run == 60):
            break
    assert ours <= 1.5 * theirs, f"{ours * 1000:.0f} ms, import jwt: {theirs * 1000:.0f} ms"
