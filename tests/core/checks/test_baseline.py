"""What is kept as a token's baseline after a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tokencheck.core.checks.chain import judge
from tokencheck.core.checks.drift import next_baseline
from tokencheck.model.evidence import Baseline, Evidence

Token = Mapping[str, Any]
Next = Callable[[Token], Baseline | None]
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OF_NOW = {
    "issuer": "https://login.example.com",
    "audiences": ["payments-api"],
    "scopes": ["read"],
    "lifetime_seconds": 7776000,
    "algorithm": "RS256",
    "kind": "JWT",
    "subject": "canary-subject",
}
OLD = {**OF_NOW, "issuer": "https://old.example.com"}


@pytest.fixture
def after(evidence_of: Callable[[Mapping[str, Any]], Evidence]) -> Next:
    """What is kept after a token with one scope was judged."""

    def of(token: Token) -> Baseline | None:
        claims = {"scopes": ["read"], **token.get("claims", {})}
        evidence = evidence_of({"token": {**token, "claims": claims}})
        return next_baseline(judge(evidence, NOW).tokens[0])

    return of


def baseline(values: Mapping[str, Any]) -> Baseline:
    lists = {name: tuple(v) for name, v in values.items() if isinstance(v, list)}
    return Baseline(**{**values, **lists})


def test_the_first_valid_verdict_makes_it(after: Next) -> None:
    assert after({}) == baseline(OF_NOW)


def test_an_invalid_verdict_makes_none(after: Next) -> None:
    assert after({"signature": "Invalid"}) is None


def test_an_unknown_verdict_makes_none(after: Next) -> None:
    assert after({"signature": "KeyNotFound"}) is None


def test_a_warning_does_not_hinder_it(after: Next) -> None:
    assert after({"weakKey": True}) == baseline(OF_NOW)


def test_an_opaque_token_has_only_its_kind(after: Next) -> None:
    assert after({"opaque": "Vendor"}) == Baseline(kind="Vendor")


def test_a_drift_that_nobody_accepted_keeps_it(after: Next) -> None:
    assert after({"baseline": OLD}) == baseline(OLD)


def test_an_accepted_drift_replaces_it(after: Next) -> None:
    assert after({"baseline": OLD, "accepted": True}) == baseline(OF_NOW)


def test_an_accepted_drift_of_a_token_that_is_not_valid_ends_it(after: Next) -> None:
    assert after({"baseline": OLD, "accepted": True, "signature": "KeyNotFound"}) is None


def test_acceptance_without_a_drift_keeps_it_whatever_the_verdict(after: Next) -> None:
    token = {"baseline": OF_NOW, "accepted": True, "signature": "KeyNotFound"}
    assert after(token) == baseline(OF_NOW)


def test_a_token_that_was_not_read_keeps_it(after: Next) -> None:
    token = {"baseline": OLD, "holding": {"failed": "Secret shop/payments-api"}}
    assert after(token) == baseline(OLD)


def test_a_lifetime_does_not_creep(after: Next) -> None:
    near = {**OF_NOW, "lifetime_seconds": 7500000}
    assert after({"baseline": near}) == baseline(near)


def test_the_subject_is_learnt_again_after_a_restart(after: Next) -> None:
    assert after({"baseline": {**OF_NOW, "subject": None}}) == baseline(OF_NOW)


def test_the_subject_of_a_drifted_token_is_not_learnt(after: Next) -> None:
    forgotten = {**OLD, "subject": None}
    assert after({"baseline": forgotten}) == baseline(forgotten)


def test_it_is_kept_in_the_form_of_the_status(after: Next) -> None:
    claims = {"issuer": "é" + "x" * 200, "audiences": [f"a{n:02}" for n in range(20)]}
    kept = after({"claims": claims})
    assert kept is not None
    assert kept.issuer == "?" + "x" * 127
    assert kept.audiences == tuple(f"a{n:02}" for n in range(16))
    again = {"issuer": kept.issuer, "audiences": list(kept.audiences)}
    token = {"claims": claims, "baseline": {**OF_NOW, **again}}
    assert after(token) == kept


def test_a_token_that_ends_before_it_was_issued_has_no_negative_lifetime(after: Next) -> None:
    issued, ends = datetime(2026, 11, 24, 14, tzinfo=UTC), datetime(2026, 11, 24, 13, tzinfo=UTC)
    kept = after({"claims": {"issued_at": issued, "expires_at": ends}})
    assert kept is not None
    assert kept.lifetime_seconds == 0
