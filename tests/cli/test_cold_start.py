"""What a command does not need it does not load: that is most of the time of a cold start.

The time itself is a figure of the benchmarks (stage cold).
"""

from __future__ import annotations

import json
import subprocess
import sys

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
    assert not loaded & {"tokencheck.cli.fetching", "httpcore"}
    assert "tokencheck.core.tokens.candidates" not in loaded  # what only discovery needs
    assert ("jwt" in loaded) is keys
