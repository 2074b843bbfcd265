"""What an answer about a token means beside the answers before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.questions.liveness import JITTER, Known, answered, due_at, failed
from tokencheck.core.questions.replies import Faulted
from tokencheck.core.tokens.fingerprint import portion
from tokencheck.model.activity import Answer
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed

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


@given(
    st.binary(max_size=40),
    st.timedeltas(min_value=timedelta(seconds=30), max_value=timedelta(days=1)),
)
def test_no_token_is_asked_about_later_than_its_interval_nor_much_sooner(
    token: bytes, interval: timedelta
) -> None:
    known = answered(Known(sooner=JITTER * portion(Sealed(token))), YES, NOW)
    at = due_at(known, interval)
    assert at is not None
    assert NOW + 0.9 * interval <= at <= NOW + interval


def test_a_token_keeps_its_part_of_the_interval_whatever_is_answered() -> None:
    fault = Faulted(reason=Reason.TIMED_OUT, detail="late")
    known = answered(Known(sooner=0.05), YES, NOW)
    known = failed(known, fault, began=NOW, now=NOW, chance=1.0)
    known = answered(known, YES, NOW)
    assert due_at(known, timedelta(minutes=10)) == NOW + timedelta(minutes=9, seconds=30)


def test_tokens_that_look_alike_have_parts_of_their_own_which_no_restart_changes() -> None:
    parts = [portion(Sealed(f"token-{number}".encode())) for number in range(1000)]
    assert len(set(parts)) > 200
    assert min(parts) == 0
    assert max(parts) == 1
    assert portion(Sealed(b"token-1")) == 0x3F / 255  # sha256sum begins with 3f
