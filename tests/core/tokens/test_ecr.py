"""Passwords of Amazon's registry say when they end."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.tokens.ecr import end_of
from tokencheck.core.tokens.kinds import ECR
from tokencheck.core.tokens.read import read_token
from tokencheck.model.facts import Claims, Facts, Problem
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import Trust


def password(**members: Any) -> bytes:
    """One as ECR makes it."""
    said = {"payload": "c2VjcmV0" * 200, "datakey": "a2V5" * 60, "version": "2"}
    text = json.dumps(said | {"type": "DATA_KEY"} | members, separators=(",", ":"))
    return base64.b64encode(text.encode())


def read(text: bytes) -> Facts:
    return read_token(Sealed(text), Trust(), fingerprint_key=b"key")


def test_a_password_ends_when_it_says() -> None:
    facts = read(password(expiration=1803859200) + b"\n")
    assert facts.kind == ECR
    assert facts.terms == Claims(expires_at=datetime(2027, 3, 1, tzinfo=UTC))
    assert [one.fatal for one in facts.problems] == [False]  # the line break


@pytest.mark.parametrize("end", [None, "1803859200", True, 1.5, -1, 10**12, [5]])
def test_an_end_of_another_form_is_not_known(end: object) -> None:
    facts = read(password(expiration=end))
    assert facts.terms == Claims()
    assert not facts.problems


@pytest.mark.parametrize("left", [-1, -4, -40, 200])
def test_a_password_that_is_cut_off_is_malformed(left: int) -> None:
    facts = read(password(expiration=1803859200)[:left])
    assert facts.kind == ECR
    assert facts.terms is None
    assert [one.fatal for one in facts.problems] == [True]


@given(data=st.binary(max_size=200), encoded=st.booleans())
def test_any_bytes_have_an_end_or_none_or_a_problem(data: bytes, encoded: bool) -> None:
    text = base64.b64encode(data) if encoded else data
    assert isinstance(end_of(text), datetime | Problem | None)
