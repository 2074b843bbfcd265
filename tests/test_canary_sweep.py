"""The canary sweep finds what is planted, in every form and in every place of a text."""

from __future__ import annotations

import base64
import gzip
import hashlib
import secrets
import textwrap
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary import WINDOW, Secret, Sweep, forms

TEXT = "Zq3vX9-kT_w2LmRb7Yh"
SWEEP = Sweep([Secret("token", TEXT, whole=f"prefix.{TEXT}")])
FORMS = [name for name, _ in forms(TEXT)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("start", range(len(TEXT) - WINDOW + 1))
def test_eight_characters_in_a_row_are_found_in_every_form(form: str, start: int) -> None:
    leak = dict(forms(TEXT[start : start + WINDOW]))[form]
    assert SWEEP.hits(b'{"message":"failed: ' + leak + b' (try again)"}')


@pytest.mark.parametrize("start", range(len(TEXT) - WINDOW + 2))
def test_seven_characters_are_not_told_from_chance(start: int) -> None:
    piece = TEXT[start : start + WINDOW - 1]
    assert not SWEEP.hits(f"failed: {piece}, {piece[::-1]}, {piece.encode().hex()}")


@given(before=st.binary(max_size=9), after=st.binary(max_size=9), urlsafe=st.booleans())
def test_base64_is_found_whatever_stands_around_the_secret(
    before: bytes, after: bytes, urlsafe: bool
) -> None:
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    assert SWEEP.hits(b"Authorization: Basic " + encode(before + TEXT.encode() + after))


def test_a_secret_that_is_broken_into_lines_is_found() -> None:
    broken = "\n".join(textwrap.wrap(base64.b64encode(TEXT.encode()).decode(), 6))
    assert SWEEP.hits(f"-----BEGIN-----\n{broken}\n-----END-----")
    assert SWEEP.hits(broken.replace("\n", "\\n"))


def test_a_secret_in_compressed_base64_is_found() -> None:
    """As Helm keeps its releases."""
    release = base64.b64encode(gzip.compress(f"a manifest with {TEXT} in it".encode()))
    assert SWEEP.hits(b"release: " + release)
    twice = base64.b64encode(gzip.compress(b"again " + release + b" and again"))
    assert SWEEP.hits(twice)


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha512"])
def test_a_plain_digest_of_the_secret_or_of_its_token_is_found(name: str) -> None:
    for whole in (TEXT, f"prefix.{TEXT}"):
        digest = hashlib.new(name, whole.encode(), usedforsecurity=False)
        assert SWEEP.hits(f"fingerprint={digest.hexdigest()}")
        assert SWEEP.hits(base64.b64encode(digest.digest()))
    assert SWEEP.hits(f"{zlib.crc32(TEXT.encode()):08x}")


def test_a_secret_beyond_ascii_is_found_as_logs_write_it() -> None:
    sweep = Sweep([Secret("token", "schlüssel-größe")])
    assert sweep.hits('{"message": "bad token schl\\u00fcssel-gr"}')
    assert sweep.hits("bad token schlüssel".encode())


def test_other_random_text_is_no_hit() -> None:
    text = "\n".join(secrets.token_urlsafe(60) + secrets.token_hex(40) for _ in range(2000))
    assert SWEEP.hits(text) == set()


def test_a_report_names_the_place_and_the_form_and_never_the_secret() -> None:
    lines = SWEEP.report({"log": f"x {TEXT[:10]}", "metrics": "nothing", "event": TEXT[::-1]})
    assert lines == ["log: token (as it is)", "event: token (reversed)"]
