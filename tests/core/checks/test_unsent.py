"""Which tokens are shown to nobody: foreign ones, and those that are bad by their own word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tokencheck.api.tokencheck import Level, Policy
from tokencheck.core.checks.chain import unsent
from tokencheck.model.evidence import Evidence

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PAST, SOON = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC)
NO_KEYS: Mapping[str, Any] = {"state": "None", "introspected": True}
ENCODED = {"reason": "MalformedToken", "detail": "encoded twice", "fatal": False}
DIGITS: Mapping[str, Any] = NO_KEYS | {"kinds": ["Opaque"], "digits": 32}
TOO_SOON = {"expiry": {"failBefore": "72h"}}
ROWS: list[tuple[str, Mapping[str, Any], bool]] = [
    ("a good JWT", {}, False),
    ("an opaque token", {"opaque": "Opaque", "trust": NO_KEYS}, False),
    ("a JWE", {"opaque": "JWE", "trust": NO_KEYS}, False),
    ("a JWT that nobody vouches for", {"signature": "NoKeys", "trust": NO_KEYS}, False),
    ("a JWT whose key is not known", {"signature": "KeyNotFound"}, False),
    ("a token that ends soon", {"claims": {"expires_at": SOON}}, False),
    ("one that ends too soon", {"claims": {"expires_at": SOON}, "spec": TOO_SOON}, False),
    ("a vendor's token", {"opaque": "Vendor"}, True),
    (
        "a vendor's token in base64",
        {"opaque": "Opaque", "problems": [ENCODED], "trust": NO_KEYS},
        True,
    ),
    ("a text of as many digits", {"opaque": "Opaque", "digits": 32, "trust": DIGITS}, False),
    ("a text of more digits", {"opaque": "Opaque", "digits": 40, "trust": DIGITS}, True),
    ("a text of other characters", {"opaque": "Opaque", "trust": DIGITS}, True),
    (
        "a text of other characters where any will do",
        {"opaque": "Opaque", "trust": NO_KEYS | {"kinds": ["Opaque"]}},
        False,
    ),
    ("a macaroon", {"opaque": "Macaroon"}, True),
    ("a service-account token", {"claims": {"kubernetes": True}}, True),
    ("a malformed token", {"problems": [{"reason": "MalformedToken", "detail": "x"}]}, True),
    ("an expired token", {"claims": {"expires_at": PAST}}, True),
    ("an altered token", {"signature": "Invalid"}, True),
    ("an unsigned token", {"header": {"algorithm": "none"}, "signature": "NoKeys"}, True),
    ("a token of another type", {"header": {"type": "secevent+jwt"}}, True),
    ("a token of another issuer", {"spec": {"issuer": "https://other"}}, True),
    ("a token for another audience", {"spec": {"audiences": ["other"]}}, True),
]


@pytest.mark.parametrize(("row", "kept"), [pytest.param(r, k, id=i) for i, r, k in ROWS])
def test_a_token_is_sent_only_when_nothing_speaks_against_it(
    row: Mapping[str, Any], kept: bool, evidence_of: Callable[[Mapping[str, Any]], Evidence]
) -> None:
    (token,) = evidence_of({"token": row}).tokens
    policy = Policy(unverified=Level.FAIL)
    assert unsent(token, policy, NOW) is kept
