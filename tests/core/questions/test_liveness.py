"""What an answer about a token means beside the answers before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tokencheck.core.questions.liveness import Known, answered
from tokencheck.model.activity import Answer

NOW = datetime(2027, 1, 1, tzinfo=UTC)
YES, STRANGER = Answer(active=True), Answer(active=False, stranger=True)


def after(*answers: Answer) -> Answer | None:
    known = Known()
    for number, answer in enumerate(answers):
        known = answered(known, answer, NOW + timedelta(minutes=number))
    return known.answer


def test_a_token_that_its_provider_never_knew_may_be_of_another_one() -> None:
    assert after(STRANGER) == STRANGER
    assert after(STRANGER, STRANGER) == STRANGER


def test_a_token_that_its_provider_knew_and_knows_no_more_has_ended() -> None:
    gone = Answer(active=False, stranger=False)
    assert after(YES, STRANGER) == gone
    assert after(STRANGER, YES, STRANGER, STRANGER) == gone
