"""The oracle judges what it was never shown by the operator."""

from __future__ import annotations

import asyncio
import base64
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from cluster.shop import AUDIENCE, ISSUER, SCOPES, Object, Signer, jwks
from faults.oracle import Oracle, Timeline
from faults.tokens import Tokens
from tokencheck.api.tokencheck import TokenCheck
from tokencheck.clients.manifests import Manifests
from tokencheck.gather.once import sources_once
from tokencheck.model.keys import Key
from tokencheck.model.outcome import Event
from tokencheck.model.ports import WriteResult
from tokencheck.passes.check import check_pass
from tokencheck.publish.publish import Sinks

SIGNER = Signer()
TOKEN = {
    "name": "payments",
    "secretKeyRef": {"name": "payments", "key": "token"},
    "audiences": [AUDIENCE],
    "subject": "checkout",
    "scopes": {"required": SCOPES},
}
PROVIDER = {
    "jwt": {"issuer": ISSUER, "clockSkew": "0s", "keys": {"type": "Inline", "jwks": jwks(SIGNER)}}
}


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with Oracle() as made:
        yield made


def data_of(text: str) -> Object:
    return {"token": base64.b64encode(text.encode()).decode()}


def said(oracle: Oracle, text: str, **spec: object) -> Timeline:
    return oracle.timeline(TOKEN | spec, PROVIDER, data_of(text))


def first(oracle: Oracle, text: str, **spec: object) -> tuple[str, str]:
    segment = said(oracle, text, **spec).at(time.time())
    return segment.ready, segment.reason


CASES = {
    "good": (SIGNER.token, {}, ("True", "AllChecksPassed")),
    "newline": (lambda: SIGNER.token() + "\n", {}, ("True", "PassedWithWarnings")),
    "expired": (SIGNER.expired, {}, ("False", "TokenExpired")),
    "of a stranger": (Signer().token, {}, ("False", "SignatureInvalid")),
    "unknown key": (Signer(kid="x").token, {}, ("Unknown", "KeyNotFound")),
    "other audience": (lambda: SIGNER.token(aud="x"), {}, ("False", "AudienceMismatch")),
    "other issuer": (lambda: SIGNER.token(iss="x"), {}, ("False", "IssuerMismatch")),
    "other subject": (lambda: SIGNER.token(sub="x"), {}, ("False", "SubjectMismatch")),
    "too narrow": (lambda: SIGNER.token(scope="x"), {}, ("False", "ScopeMissing")),
    "forbidden": (
        SIGNER.token,
        {"scopes": {"forbidden": [SCOPES[0]]}},
        ("False", "ScopeForbidden"),
    ),
    "an end in words": (lambda: SIGNER.token(exp="soon"), {}, ("False", "ClaimInvalid")),
    "cut off": (lambda: SIGNER.token()[:-42], {}, ("False", "SignatureInvalid")),
    "cut at the dot": (lambda: SIGNER.token()[:-86], {}, ("False", "MalformedToken")),
    "empty": (lambda: " \n", {}, ("False", "TokenMissing")),
    "unknown key and expired": (Signer(kid="x").expired, {}, ("False", "TokenExpired")),
}


@pytest.mark.parametrize("case", CASES)
def test_each_kind_of_token_has_its_verdict(oracle: Oracle, case: str) -> None:
    make, spec, expected = CASES[case]
    assert first(oracle, make(), **spec) == expected


def test_time_alone_moves_a_verdict(oracle: Oracle) -> None:
    now = int(time.time())
    text = SIGNER.token(nbf=now + 10, iat=now, exp=now + 110)
    line = said(oracle, text, expiry={"warnBefore": "40s", "failBefore": "20s"})
    assert [(s.start, s.ready, s.reason) for s in line.segments if s.start >= now + 10] == [
        (now + 10, "True", "AllChecksPassed"),
        (now + 70, "True", "PassedWithWarnings"),
        (now + 90, "False", "ExpiringSoon"),
        (now + 110, "False", "TokenExpired"),
    ]
    assert line.at(now + 5).reason == "NotYetValid"


def test_the_default_warning_begins_at_a_fifth_of_the_lifetime_within_a_second(
    oracle: Oracle,
) -> None:
    now = int(time.time())
    line = said(oracle, SIGNER.token(iat=now, exp=now + 12), expiry={"failBefore": "2s"})
    assert [(round(s.start - now, 3), s.reason) for s in line.segments][-3:] == [
        (9.6, "PassedWithWarnings"),
        (10, "ExpiringSoon"),
        (12, "TokenExpired"),
    ]


def test_a_secret_that_is_not_there_or_lacks_the_key_is_missed(oracle: Oracle) -> None:
    for data, reason in ((None, "SecretNotFound"), ({"other": ""}, "SecretKeyNotFound")):
        assert oracle.timeline(TOKEN, PROVIDER, data).at(0).reason == reason


def test_the_operator_agrees_with_the_oracle_on_many_tokens(oracle: Oracle) -> None:
    """Two programs of two languages, and the same answer each time."""
    tokens, spec = Tokens(SIGNER, random.Random(7), "canary-canary"), TOKEN
    seen = set()
    for number in range(300):
        text = tokens.any()
        now = float(int(time.time())) + number % 15
        segment = said(oracle, text).at(now)
        seen.add(segment.reason)
        assert judged(spec, text, now) == (segment.ready, segment.reason), text
    assert len(seen) >= 9, seen


class Sink:
    """Takes the status of a pass."""

    def __init__(self) -> None:
        self.status: Object = {}

    async def write(
        self, key: Key, *, uid: str, resource_version: str, status: Object
    ) -> tuple[WriteResult, str]:
        self.status = status
        return WriteResult.WRITTEN, "2"

    def emit(self, event: Event) -> None:
        """Take no note of it."""

    def put(self, *_: object) -> None:
        """Take no note of it."""

    def drop(self, key: Key) -> None:
        """Take no note of it."""

    def put_written(self, check: TokenCheck) -> None:
        """Take no note of it."""


def judged(token: Object, text: str, now: float) -> tuple[str, str]:
    """What the operator's own pass says at a moment."""
    meta = {"name": "payments", "namespace": "shop"}
    check = {"kind": "TokenCheck", "metadata": meta | {"uid": "u", "generation": 1}}
    check["spec"] = {"tokens": [token | {"providerRef": {"name": "login"}}]}
    provider = {"kind": "TokenProvider", "metadata": {"name": "login"}}
    provider["spec"] = PROVIDER | {"allowedNamespaces": {"all": True}}
    secret = {"kind": "Secret", "metadata": meta, "data": data_of(text)}
    sources = sources_once(Manifests([check, provider, secret]), b"k" * 32)
    sink = Sink()
    sinks = Sinks(status=sink, events=sink, board=sink, shelf=sink)
    moment = datetime.fromtimestamp(now, UTC)
    key = Key("TokenCheck", "shop", "payments")
    asyncio.run(check_pass(key, moment, sources=sources, sinks=sinks))
    ready = next(c for c in sink.status["conditions"] if c["type"] == "Ready")
    return ready["status"], ready["reason"]
