"""Whatever bytes a Secret holds: facts come back, and none of them shows the text."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.tokens.claims import claims_of
from tokencheck.core.tokens.keys import parse_jwks
from tokencheck.core.tokens.read import read_token
from tokencheck.core.tokens.strict import base64url, strict_json
from tokencheck.model.facts import Facts, Problem
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import Trust

KEY = b"key"
PARTS = st.sampled_from(
    [
        b"eyJhbGciOiJSUzI1NiJ9",
        b"eyJhbGciOiJub25lIn0",
        b"e30",
        b"bnVsbA",
        b"",
        b"AAAA",
        b"=",
        b"\xff",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
CLAIM = st.sampled_from(["exp", "nbf", "iat", "iss", "sub", "aud", "jti", "scope", "kubernetes.io"])


def read(text: bytes) -> Facts:
    return read_token(Sealed(text), Trust(), fingerprint_key=KEY)


@given(st.binary(max_size=300) | st.lists(PARTS, max_size=6).map(b".".join))
def test_any_bytes_give_facts(text) -> None:
    facts = read(text)
    assert facts.kind
    assert facts.problems or facts.family


# Letters that none of our own sentences puts next to each other.
@given(st.text(alphabet="0123456789QXJVKZ_-+/~", min_size=16, max_size=80))
def test_no_eight_characters_of_a_text_are_in_its_facts(text) -> None:
    secret = "Zq3X" + text + "b7Mj"
    for form in (secret, f"eyJ{secret}.{secret}", f"Bearer {secret}", f'"{secret}"', secret + "\n"):
        shown = repr(read(form.encode()))
        assert not any(secret[i : i + 8] in shown for i in range(len(secret) - 7))


def test_no_part_of_a_signed_token_is_in_its_facts(mint, mutate, usable) -> None:
    keys = parse_jwks(mint.key_set(["rsa"]))
    for change in (
        None,
        "a character in the middle of the signature changed",
        "a line break inside",
    ):
        text = mutate(change, mint.token({}))
        shown = repr(read_token(Sealed(text), usable(keys=keys), fingerprint_key=KEY))
        decoded = text.decode()
        assert not any(decoded[i : i + 8] in shown for i in range(len(decoded) - 7))


@given(st.dictionaries(CLAIM, JSON))
def test_any_claims_give_claims(payload) -> None:
    claims = claims_of(payload, ("scope", "realm_access.roles"))
    assert {name for name, _ in claims.invalid} <= {*payload, "warnafter"}


@given(st.dictionaries(CLAIM, JSON))
def test_any_signed_claims_give_facts(payload) -> None:
    """Floats include NaN, which is no JSON."""
    body = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=")
    facts = read(b"eyJhbGciOiJSUzI1NiJ9." + body + b".AAAA")
    assert facts.claims is not None or facts.problems


@given(st.binary(max_size=60))
def test_only_what_encodes_to_the_same_text_is_base64url(data) -> None:
    text = base64.urlsafe_b64encode(data).rstrip(b"=")
    assert base64url(text, "part") == data
    decoded = base64url(data, "part")
    assert isinstance(decoded, Problem) or base64.urlsafe_b64encode(decoded).rstrip(b"=") == data


@given(st.binary(max_size=200) | JSON.map(json.dumps).map(str.encode))
def test_strict_json_is_total_and_its_values_are_unicode(data) -> None:
    value = strict_json(data, "the text")
    if not isinstance(value, Problem):
        json.dumps(value, ensure_ascii=False).encode("utf-8")
