"""What `read_token` says of every form of a JWT: the table in ``vectors/jwt.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tokencheck.core.tokens.fingerprint import fingerprint
from tokencheck.core.tokens.keys import parse_jwks
from tokencheck.core.tokens.read import read_token
from tokencheck.model.facts import Facts, Family, SignatureState
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import Trust, TrustState

VECTORS = Path(__file__).parents[1] / "vectors"
ROWS = yaml.safe_load((VECTORS / "jwt.yaml").read_text())
KEY = b"key of this installation"
GENERATED = {
    "digits": '{"exp":' + "1" * 5000 + "}",
    "four hundred digits": '{"exp":1' + "0" * 400 + "}",
    "brackets": '{"a":' + "[" * 40 + "]" * 40 + "}",
    "very many brackets": "[" * 5000 + "]" * 5000,
    "brackets side by side": '{"a":[' + ",".join(["[1]"] * 40) + "]}",
}


def seen(facts: Facts, expected: Mapping[str, Any]) -> dict[str, Any]:
    """What the row speaks of, in the form of the row."""
    header, claims = facts.header, facts.claims
    found: dict[str, Any] = {
        "kind": facts.kind,
        "problems": [p.detail for p in facts.problems if p.fatal],
        "warnings": [p.detail for p in facts.problems if not p.fatal],
    }
    if not found["problems"]:
        found["family"] = str(facts.family)
        found["state"] = str(facts.signature.state)
        found["weak_key"] = facts.signature.weak_key
    if header is not None:
        found |= {"forbidden": list(header.forbidden), "ignored": list(header.ignored)}
    if claims is not None:
        found["invalid"] = [list(pair) for pair in claims.invalid]
        found["unbounded"] = claims.unbounded
    if "type" in expected:
        found["type"] = header and header.type
    if "detail" in expected:
        found["detail"] = facts.signature.detail
    if "claims" in expected:
        found["claims"] = {name: plain(getattr(claims, name)) for name in expected["claims"]}
    return found


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def wanted(row: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    default: dict[str, Any] = {"kind": "JWT", "problems": [], "warnings": []}
    expected = row.get("expect", {})
    if not expected.get("problems"):
        default |= {"family": "JWT", "state": "Verified", "weak_key": False}
    if facts.header is not None:
        default |= {"forbidden": [], "ignored": []}
    if facts.claims is not None:
        default |= {"invalid": [], "unbounded": False}
    return default | expected


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_jwt_is_read_as_the_table_says(row, mint, mutate, usable) -> None:
    if "generate" in row:
        row = {**row, "payload_text": GENERATED[row["generate"]]}
    text = mutate(row.get("mutate"), mint.token(row))
    keys = parse_jwks(mint.key_set(row.get("keys", ["rsa", "ec256", "ec384", "ed25519"])))
    trust = usable(keys=keys)
    if "algorithms" in row:
        trust = replace(trust, algorithms=tuple(row["algorithms"]))
    if "trust" in row:
        trust = replace(trust, state=TrustState(row["trust"]))
    facts = read_token(Sealed(text), trust, fingerprint_key=KEY)
    assert seen(facts, row.get("expect", {})) == wanted(row, facts)


def test_the_table_names_each_row_once() -> None:
    names = [row["name"] for row in ROWS]
    assert len(names) == len(set(names))


TEXTS = [
    ("an empty value holds no token", b"", Reason.TOKEN_MISSING, "the value is empty"),
    ("white space alone is no token", b" \n", Reason.TOKEN_MISSING, "the value is empty"),
    (
        "a document is no token",
        b'{"token": "x"}',
        Reason.MALFORMED_TOKEN,
        "a document instead of a token",
    ),
    (
        "a PEM block is no token",
        b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----",
        Reason.MALFORMED_TOKEN,
        "a PEM block instead of a token",
    ),
]


@pytest.mark.parametrize(
    ("text", "reason", "detail"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS]
)
def test_text_that_is_no_token_is_a_fatal_problem(text, reason, detail) -> None:
    facts = read_token(Sealed(text), Trust(), fingerprint_key=KEY)
    assert [(p.reason, p.detail, p.fatal) for p in facts.problems] == [(reason, detail, True)]
    assert all(problem.action for problem in facts.problems)
    assert not facts.readable


def test_every_problem_says_what_to_do(mint, mutate) -> None:
    for row in ROWS:
        text = mutate(row.get("mutate"), mint.token(row))
        facts = read_token(Sealed(text), Trust(), fingerprint_key=KEY)
        assert all(problem.action for problem in facts.problems), row["name"]


def test_a_service_account_key_of_several_lines_is_well_formed() -> None:
    text = b'{\n  "type": "service_account",\n  "private_key_id": "1"\n}\n'
    facts = read_token(Sealed(text), Trust(), fingerprint_key=KEY)
    assert (facts.kind, facts.family) == ("GoogleServiceAccountKey", Family.VENDOR)
    assert not [problem for problem in facts.problems if problem.fatal]


@pytest.mark.parametrize(
    ("text", "kind", "family"),
    [
        (b"eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA", "JWE", Family.JWE),
        (b"v4.local." + b"A" * 60, "PASETO", Family.PASETO),
        (b"gh" + b"p_" + b"A" * 36, "GitHub", Family.VENDOR),
        (b"c29tZXRoaW5nLW9wYXF1ZQ==", "Opaque", Family.OPAQUE),
        (b"AAAAAAAAAAAAAAAAA==", "Opaque", Family.OPAQUE),
        (b"a passphrase, not a token", "Opaque", Family.OPAQUE),
    ],
)
def test_what_cannot_be_read_has_a_kind_and_nothing_else(text, kind, family) -> None:
    facts = read_token(Sealed(text), Trust(), fingerprint_key=KEY)
    assert (facts.kind, facts.family, facts.problems) == (kind, family, ())
    assert facts.claims is None
    assert facts.signature.state is SignatureState.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        (b"0123456789abcdefABCDEF0123456789", 32),
        (b" 0123456789abcdef0123456789abcdef01234567\n", 40),
        (b"0123456789abcdef-0123456789abcde", 0),
        (b"gh" + b"p_" + b"A" * 36, 0),
    ],
)
def test_of_an_opaque_text_it_is_known_how_many_hexadecimal_digits_it_is(text, digits) -> None:
    assert read_token(Sealed(text), Trust(), fingerprint_key=KEY).digits == digits


def test_the_fingerprint_is_keyed_and_counts_white_space() -> None:
    first = fingerprint(Sealed(b"token"), KEY)
    assert first == read_token(Sealed(b"token"), Trust(), fingerprint_key=KEY).fingerprint
    assert first != fingerprint(Sealed(b"token\n"), KEY)
    assert first != fingerprint(Sealed(b"token"), b"another key")
    assert len(first) == 32
