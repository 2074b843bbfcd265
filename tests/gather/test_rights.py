"""What of an author's rights is lost, and on how old an answer that rests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import Requester, TokenCheck
from tokencheck.gather.rights import Reviewed, review
from tokencheck.model.rights import Right

NOW = datetime(2026, 7, 1, tzinfo=UTC)


@dataclass
class Answers:
    """What the API server says of rights, by verb, resource and name; the rest is refused."""

    given: dict[str, bool | None]
    age_s: dict[str, float] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def allowed(
        self, requester: Requester, right: Right, now: datetime
    ) -> tuple[bool | None, datetime]:
        assert requester == Requester(name="ann", groups=("devs", "all"))
        name = f"{right.verb} {right.resource} {right.name}".strip()
        self.asked.append(name)
        age = timedelta(seconds=self.age_s.get(name, 0.0))
        return self.given.get(name, False), now - age


def check(status: dict | None = None, token: dict | None = None, **annotations: str) -> TokenCheck:
    named = {"name": "a", "secretKeyRef": {"name": "one", "key": "k"}, "providerRef": {"name": "p"}}
    token = named | (token or {})
    meta = {"name": "checkout", "namespace": "shop", "uid": "u", "generation": 1}
    meta |= {"resourceVersion": "1", "annotations": annotations}
    return parse_tokencheck({"metadata": meta, "spec": {"tokens": [token]}, "status": status or {}})


ANN = {"tokencheck.dev/requester": "ann", "tokencheck.dev/requester-groups": "devs\nall"}


def reviewed(answers: Answers, of: TokenCheck) -> Reviewed:
    sources = type("Sources", (), {"reviews": answers})()
    return asyncio.run(review(of, sources, NOW))


@pytest.mark.parametrize(
    ("given", "lost"),
    [
        ({"create pods": True, "use tokenproviders p": True}, None),
        ({"get secrets one": True, "use tokenproviders p": True}, None),
        ({"get secrets one": True}, "use TokenProvider p"),
        ({"use tokenproviders p": True}, "get Secret shop/one or create Pods there"),
        # No answer is no revocation: the API server admitted it once.
        ({"get secrets one": None, "use tokenproviders p": True}, None),
        ({"create pods": None, "use tokenproviders p": None}, None),
    ],
)
def test_the_first_right_that_is_lost_is_told(given: dict, lost: str | None) -> None:
    found = reviewed(Answers(given), check(**ANN))
    assert (found.revoked.what if found.revoked else None) == lost


@pytest.mark.parametrize(
    ("given", "lost"),
    [
        ({"get configmaps issuer": True}, None),
        ({"get configmaps issuer": None}, None),
        ({"get secrets issuer": True}, "get ConfigMap shop/issuer or create Pods there"),
    ],
)
def test_the_right_to_keys_of_one_s_own_is_a_right_too(
    given: dict[str, bool | None], lost: str | None
) -> None:
    keys = {"configMapKeyRef": {"name": "issuer", "key": "jwks.json"}}
    held = {"get secrets one": True, "use tokenproviders p": True}
    found = reviewed(Answers(held | given), check(token={"keys": keys}, **ANN))
    assert (found.revoked.what if found.revoked else None) == lost


def test_it_rests_on_the_oldest_answer() -> None:
    given = {"get secrets one": True, "use tokenproviders p": True}
    ages = {"create pods": 5.0, "get secrets one": 12.0, "use tokenproviders p": 3.0}
    found = reviewed(Answers(given, ages), check(**ANN))
    assert found.since == NOW - timedelta(seconds=12)
    # By default a check looks again after ten minutes: of the answer, not of the pass.
    assert found.again_at(check(**ANN)) == NOW - timedelta(seconds=12) + timedelta(minutes=10)


def test_without_a_stamp_nobody_is_asked() -> None:
    answers = Answers({})
    assert reviewed(answers, check()) == Reviewed()
    assert Reviewed().again_at(check()) is None
    assert answers.asked == []


REVOKED = {
    "observedGeneration": 1,
    "conditions": [{"type": "Resolved", "status": "Unknown", "reason": "AccessRevoked"}],
}


def test_what_was_lost_for_certain_stays_lost_until_an_answer_says_otherwise() -> None:
    silent: dict[str, bool | None] = {"create pods": None, "get secrets one": None}
    given = silent | {"use tokenproviders p": True}
    assert reviewed(Answers(given), check(**ANN)).revoked is None
    assert reviewed(Answers(given), check(REVOKED, **ANN)).revoked is not None
    # Of another spec it says nothing.
    older = REVOKED | {"observedGeneration": 0}
    assert reviewed(Answers(given), check(older, **ANN)).revoked is None
    back = {"get secrets one": True, "use tokenproviders p": True}
    assert reviewed(Answers(back), check(REVOKED, **ANN)).revoked is None


def test_after_no_answer_it_is_asked_again_before_an_interval_is_over() -> None:
    given = {"get secrets one": None, "use tokenproviders p": True}
    found = reviewed(Answers(given), check(**ANN))
    assert found.again_at(check(**ANN)) == NOW + timedelta(minutes=5)


def test_where_nothing_guards_the_stamp_nobody_is_asked() -> None:
    sources = type("Sources", (), {"reviews": None})()
    assert asyncio.run(review(check(**ANN), sources, NOW)) == Reviewed()
