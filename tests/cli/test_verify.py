"""`tokencheck verify` on files: what each kind of token comes to, and with which exit code."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import yaml

from macaroons import minted

HOUR = 3600


def now() -> int:
    return int(time.time())


# sentence, claims or text, options, exit code, a reason that is found with its result
TOKENS: list[tuple[str, dict[str, Any], list[str], int, tuple[str, str] | None]] = [
    ("a good RSA token passes", {}, ["--audience", "payments-api"], 0, None),
    ("a good EC token passes", {"key": "ec"}, ["--audience", "payments-api"], 0, None),
    ("an expired token fails", {"exp": -HOUR}, [], 1, ("Fail", "TokenExpired")),
    (
        "a token that ends soon warns",
        {"exp": HOUR, "iat": -24 * HOUR},
        [],
        0,
        ("Warn", "ExpiringSoon"),
    ),
    ("a token that never ends warns", {"exp": None}, [], 0, ("Warn", "NoExpiry")),
    ("one that is not valid yet fails", {"nbf": HOUR}, [], 1, ("Fail", "NotYetValid")),
    (
        "a stranger's token fails",
        {"key": "stranger", "kid": "rsa"},
        [],
        3,
        ("Unknown", "KeyNotFound"),
    ),
    ("another audience fails", {}, ["--audience", "other"], 1, ("Fail", "AudienceMismatch")),
    ("another issuer fails", {}, ["--issuer", "https://x"], 1, ("Fail", "IssuerMismatch")),
    (
        "a missing scope fails",
        {},
        ["--require-scope", "payments:read", "--require-scope", "payments:write"],
        1,
        ("Fail", "ScopeMissing"),
    ),
    ("a moment after its end fails", {}, ["--at", "+60d"], 1, ("Fail", "TokenExpired")),
]


def moved(claims: dict[str, Any]) -> dict[str, Any]:
    """Times are written as seconds from now."""
    return {
        k: now() + v if k in ("exp", "nbf", "iat") and v is not None else v
        for k, v in claims.items()
    }


@pytest.mark.parametrize("row", [row[1:] for row in TOKENS], ids=[row[0] for row in TOKENS])
def test_the_verdict_decides_the_exit_code(place, issuer, row):
    claims, options, code, found = row
    token = place.file("token", issuer.token(**moved(claims)))
    jwks = place.file("jwks.json", json.dumps(issuer.jwks()))
    ran = place.run("verify", "--file", token, "--jwks", jwks, "-o", "json", *options)
    assert ran.code == code, ran
    if found is not None:
        assert found[1] in ran.reasons(found[0]), ran.document["findings"]


def test_a_signature_that_a_known_key_refuses_fails(place, issuer):
    head, payload, signature = issuer.token().split(".")
    forged = (
        f"{head}.{payload}.{signature[:40]}{'A' if signature[40] != 'A' else 'B'}{signature[41:]}"
    )
    jwks = place.file("jwks.json", json.dumps(issuer.jwks()))
    ran = place.run("verify", "-", "--jwks", jwks, "-o", "json", stdin=forged.encode())
    assert ran.code == 1
    assert "SignatureInvalid" in ran.reasons("Fail")


def test_without_keys_shape_and_dates_are_checked_and_that_is_said(place, issuer):
    ran = place.run("verify", "-", stdin=issuer.token().encode())
    assert ran.code == 0
    assert "LocalChecksOnly" in ran.out
    assert "--jwks FILE" in ran.out


def test_what_only_the_token_itself_says_is_unknown(place, issuer):
    ran = place.run("verify", "-", "--audience", "payments-api", stdin=issuer.token().encode())
    assert ran.code == 3
    assert "NotVerifiable" in ran.out


def test_a_trailing_newline_warns_and_the_rest_goes_on(place, issuer):
    text = issuer.token() + "\n"
    jwks = place.file("jwks.json", json.dumps(issuer.jwks()))
    ran = place.run("verify", "--file", place.file("token", text), "--jwks", jwks, "-o", "json")
    assert ran.code == 0
    assert ran.reasons("Warn") == {"TrailingWhitespace"}
    assert "Signature" in {f["check"] for f in ran.document["findings"] if f["result"] == "Pass"}


def test_provider_and_check_say_what_is_expected(place, issuer, provider, check):
    files = [
        "--provider",
        place.file("p.yaml", [provider]),
        "--check",
        place.file("c.yaml", [check]),
    ]
    ran = place.run("verify", "-", *files, "-o", "json", stdin=issuer.token().encode())
    assert ran.code == 0, ran
    token = ran.document["tokens"][0]
    assert (token["name"], token["provider"]) == ("payments", "login")
    other = place.run(
        "verify", "-", *files, "--token", "billing", "-o", "json", stdin=issuer.token().encode()
    )
    assert other.code == 1
    assert "AudienceMismatch" in other.reasons("Fail")


def test_a_flag_goes_before_the_file(place, issuer, provider, check):
    files = [
        "--provider",
        place.file("p.yaml", [provider]),
        "--check",
        place.file("c.yaml", [check]),
    ]
    ran = place.run(
        "verify",
        "-",
        *files,
        "--audience",
        "billing-api",
        stdin=issuer.token(aud="billing-api").encode(),
    )
    assert ran.code == 0, ran


def test_the_policy_of_the_check_counts(place, issuer, provider, check):
    check["spec"]["policy"] = {"excessScopes": "Fail"}
    files = [
        "--provider",
        place.file("p.yaml", [provider]),
        "--check",
        place.file("c.yaml", [check]),
    ]
    text = issuer.token(scope="payments:read payments:admin").encode()
    ran = place.run("verify", "-", *files, "-o", "json", stdin=text)
    assert ran.code == 1
    token = ran.document["tokens"][0]
    assert token["scopes"]["excess"] == ["payments:admin"]
    assert "payments:write" in token["scopes"]["granted"], "what payments:admin implies"


def test_keys_in_a_config_map_beside_the_provider(place, issuer, provider):
    provider["spec"]["jwt"]["keys"] = {
        "type": "ConfigMap",
        "configMapRef": {"name": "login-keys", "key": "jwks.json"},
    }
    keys = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "login-keys"},
        "data": {"jwks.json": json.dumps(issuer.jwks())},
    }
    alone, both = place.file("alone.yaml", [provider]), place.file("both.yaml", [provider, keys])
    good = issuer.token().encode()
    assert place.run("verify", "-", "--provider", both, stdin=good).code == 0
    missing = place.run("verify", "-", "--provider", alone, stdin=good)
    assert missing.code == 2
    assert "login-keys" in missing.err


def test_a_field_of_a_document_is_selected(place, issuer, provider, check):
    check["spec"]["tokens"][0]["field"] = "auth.token"
    files = [
        "--provider",
        place.file("p.yaml", [provider]),
        "--check",
        place.file("c.yaml", [check]),
    ]
    whole = json.dumps({"auth": {"token": issuer.token()}}).encode()
    assert place.run("verify", "-", *files, stdin=whole).code == 0
    lacking = place.run("verify", "-", *files, "-o", "json", stdin=b'{"auth": {}}')
    assert lacking.code == 1
    assert "SecretKeyNotFound" in lacking.reasons("Fail")


def test_keys_that_are_no_keys_leave_the_signature_unknown(place, issuer):
    jwks = place.file("jwks.json", '{"keys": []}')
    ran = place.run("verify", "-", "--jwks", jwks, "-o", "json", stdin=issuer.token().encode())
    assert ran.code == 3
    assert "KeysUnavailable" in ran.reasons("Unknown")


def test_json_and_yaml_hold_the_same_document(place, issuer):
    text = issuer.token().encode()
    at = ["--at", "2026-01-01T00:00:00Z"]
    as_json = place.run("verify", "-", *at, "-o", "json", stdin=text)
    as_yaml = place.run("verify", "-", *at, "-o", "yaml", stdin=text)
    assert yaml.safe_load(as_yaml.out) == as_json.document


def test_relative_times_stand_beside_absolute_ones(place, issuer):
    ran = place.run("verify", "-", stdin=issuer.token(exp=now() - 3 * HOUR).encode())
    assert ran.code == 1
    assert "Z (3 h ago)" in ran.out


def test_a_pipe_gets_one_finding_a_line_without_colours(place, issuer):
    ran = place.run("verify", "-", stdin=issuer.token(exp=now() - HOUR).encode())
    assert "\x1b" not in ran.out
    (line,) = [line for line in ran.out.splitlines() if line.startswith("Fail")]
    assert "TokenExpired" in line
    assert line.endswith("rotate it")


@pytest.mark.parametrize(
    ("caveats", "options", "code", "said"),
    [
        ("[0,{past},0]", [], 1, "(by its caveats)"),
        ("[0,{later},0]", [], 0, ""),
        ('[3,"7a9c1f0e"]', [], 0, "never ends: no caveat ends it"),
        ('[1,["shop"]]', ["--require-scope", "project:cart"], 1, 'lacks "project:cart"'),
    ],
)
def test_a_macaroon_is_judged_by_its_caveats(place, caveats, options, code, said):
    times = {"{past}": now() - HOUR, "{later}": now() + 9000 * HOUR}
    for name, moment in times.items():
        caveats = caveats.replace(name, str(moment))
    token = place.file("token", f"pypi-{minted([caveats]).decode()}")
    ran = place.run("verify", "--file", token, *options)
    assert ran.code == code, ran
    assert said in ran.out
