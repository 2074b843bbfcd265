"""No token text and no subject reaches any output, whatever the input is."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

CANARY = "canary-b1d5"
OPAQUE = f"opaque-{CANARY}-with-more-characters-behind-it"


def parts_of(text: str) -> list[str]:
    """Pieces by which a token would be known: every eight characters of it."""
    return [text[i : i + 16] for i in range(0, max(len(text) - 16, 1), 8)]


BROKEN: dict[str, Callable[[str], str]] = {
    "as it is": lambda token: token,
    "cut off": lambda token: token[: len(token) // 2],
    "only two parts": lambda token: token.rsplit(".", 1)[0],
    "with a line break inside": lambda token: token[:50] + "\n" + token[50:],
    "behind Bearer": lambda token: f"Bearer {token}",
    "in quotation marks": lambda token: f'"{token}"',
    "inside JSON": lambda token: json.dumps({"token": token}),
    "encoded twice": lambda token: base64.b64encode(token.encode()).decode(),
    "with a header that is no JSON": lambda token: "eyJ4" + token,
    "opaque": lambda _: OPAQUE,
    "much too long": lambda token: token * 40,
}


@pytest.mark.parametrize("form", ["table", "json"])
@pytest.mark.parametrize("broken", list(BROKEN.values()), ids=list(BROKEN))
def test_a_token_is_never_shown(place, issuer, broken, form):
    token = issuer.token()
    text = broken(token)
    jwks = place.file("jwks.json", json.dumps(issuer.jwks()))
    ran = place.run("verify", "-", "--jwks", jwks, "-o", form, stdin=text.encode())
    shown = ran.out + ran.err
    assert ran.code in (0, 1, 3)
    assert "Traceback" not in shown
    assert CANARY not in shown, "the subject, or a claim that nobody asked for"
    assert not [part for part in {*parts_of(token), *parts_of(text)} if part in shown]


def test_any_test_fails_whose_command_shows_a_piece_of_its_token(place, issuer):
    token = issuer.token()
    leaky = replace(place.run("version"), out=f"valid: ...{token[-20:-8]}...")
    with pytest.raises(AssertionError, match="a token: signature"):
        place.must_show_none(leaky, token.encode())


FINALIZER = f"""
import sys
from tokencheck.cli.main import main

class Held:
    def __del__(self):
        raise ValueError({OPAQUE!r})

sys.argv = ["tokencheck", "version"]
try:
    main()
except SystemExit:
    Held()
"""


def test_an_error_of_a_finalizer_is_told_by_its_class():
    ran = subprocess.run(
        [sys.executable, "-c", FINALIZER], capture_output=True, text=True, check=True
    )
    assert "a bug of tokencheck: ValueError in a finalizer" in ran.stderr
    assert CANARY not in ran.stdout + ran.stderr


MISPLACED = {
    "as an argument": lambda token: [token],
    "as a second argument": lambda token: ["-", token],
    "as a file": lambda token: ["--file", token],
    "as a Secret": lambda token: ["--secret", token],
    "as a time": lambda token: ["-", "--at", token],
    "as the name of a token": lambda token: ["-", "--token", token],
}


@pytest.mark.parametrize("args", list(MISPLACED.values()), ids=list(MISPLACED))
def test_a_token_in_the_wrong_place_is_not_repeated(place, issuer, args):
    token = issuer.token()
    ran = place.run("verify", *args(token))
    assert ran.code == 2
    assert not [part for part in parts_of(token) if part in ran.out + ran.err]


def test_a_subject_that_is_not_the_expected_one_stays_unsaid(place, issuer, provider, check):
    check["spec"]["tokens"][0]["subject"] = "expected"
    files = [
        "--provider",
        place.file("p.yaml", [provider]),
        "--check",
        place.file("c.yaml", [check]),
    ]
    ran = place.run("verify", "-", *files, stdin=issuer.token().encode())
    assert ran.code == 1
    assert "SubjectMismatch" in ran.out
    assert CANARY not in ran.out
