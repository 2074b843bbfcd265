"""When a provider is asked about a token, and for how long what it said counts. Pure.

* A token is asked about once an interval, whoever needs it, and never sooner because somebody would
  like to know. Each is asked about a little before its interval ends, by a part of its own: those
  that one start has asked about do not stay in step, and none is asked about later.
* An answer about a token that may be renewed counts until the end that it names, and is asked for
  again then: nobody knows before whether the token was renewed.
* A first fault is tried again within seconds before anybody is told; from the second on the token
  is Unknown, and the last definite answer stays beside it with its time.
* A provider at fault is left alone for a growing time, with all of its tokens: after a refusal that
  concerns all of them at once (429, the operator's own client), else when several tokens in a row
  got no answer. One token whose question breaks the server does not end the others.
* What other credentials of the operator may mend is tried again as soon as there are others.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tokencheck.core.questions.pauses import FIRST_RETRY, pause_after
from tokencheck.core.questions.replies import Faulted
from tokencheck.model.activity import Activity, ActivityState, Answer
from tokencheck.model.reasons import Reason

LONGEST_RETRY = timedelta(minutes=10)
JITTER = 0.1  # the most of an interval by which a token is asked about before its end
TOLD_FROM = 2  # faults in a row of a token that has a definite answer
TOKENS_IN_A_ROW = 3  # without an answer: then it is the provider
# An answer that nobody renewed (a long line of questions) counts no longer than this and twice its
# interval.
LATE = timedelta(minutes=1)
UNTOLD_RETRY = timedelta(minutes=5)  # of capabilities that could not be told with the answer
# Faults that say the same whichever token is asked about.
_OF_THE_CREDENTIALS = frozenset(
    {
        Reason.INTROSPECTION_UNAUTHORIZED,
        Reason.SECRET_NOT_FOUND,
        Reason.SECRET_KEY_NOT_FOUND,
        Reason.ACCESS_DENIED,
        Reason.READ_FAILED,
    }
)
_OF_THE_PROVIDER = _OF_THE_CREDENTIALS | {Reason.RATE_LIMITED, Reason.NOT_ASKED}
_NOT_ASKED = "it was not asked again in time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one token.

    Args:
        answer: the last definite one, and `answered_at` when its question began.
        its_own: whether the provider has ever said that it is active: then it knows the token.
        fault: of the last question; None when it was answered.
        failures: questions without an answer, in a row.
        tried_at: when the last question began.
        retry_at: after a fault, when to ask again.
        sooner: the part of its interval by which the token is asked about before that ends.
    """

    answer: Answer | None = None
    answered_at: datetime | None = None
    its_own: bool = False
    fault: Faulted | None = None
    failures: int = 0
    tried_at: datetime | None = None
    retry_at: datetime | None = None
    sooner: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Whether a provider is left alone.

    Args:
        fault: why; None while it answers.
        until: when one question may try whether it answers again.
        pauses: how many, in a row.
        unanswered: tokens without an answer since the last one.
    """

    fault: Faulted | None = None
    until: datetime | None = None
    pauses: int = 0
    unanswered: frozenset[bytes] = frozenset()

    def holds(self, now: datetime) -> bool:
        """Return whether nobody may ask now."""
        return self.fault is not None and self.until is not None and now < self.until


def answered(known: Known, answer: Answer, began: datetime) -> Known:
    """Return what is known of a token after a definite answer to a question that began then.

    One that was the provider's own and is a stranger now has ended.
    """
    its_own = known.its_own or answer.active
    if answer.stranger and its_own:
        answer = replace(answer, stranger=False)
    return Known(
        answer=answer,
        answered_at=began,
        its_own=its_own,
        tried_at=began,
        sooner=known.sooner,
    )


def failed(known: Known, fault: Faulted, *, began: datetime, now: datetime, chance: float) -> Known:
    """Return what is known after a fault: the same answer, asked for again after a growing pause.

    Args:
        chance: a random number from 0 to 1.
    """
    failures = known.failures + 1
    wait = pause_after(failures, fault, longest=LONGEST_RETRY, chance=chance)
    return replace(known, fault=fault, failures=failures, tried_at=began, retry_at=now + wait)


def struck(
    pause: Pause, mark: bytes, fault: Faulted, *, tokens: int, now: datetime, chance: float
) -> Pause:
    """Return whether the provider is left alone after a fault.

    Args:
        mark: fingerprint of the token that was asked about.
        tokens: how many of this provider are known.
    """
    if fault.of_token:
        return pause
    unanswered = pause.unanswered | {mark}
    many = len(unanswered) >= min(TOKENS_IN_A_ROW, max(tokens, 1))
    if fault.reason not in _OF_THE_PROVIDER and not many and pause.fault is None:
        return replace(pause, unanswered=unanswered)
    pauses = pause.pauses + 1
    until = now + pause_after(pauses, fault, longest=LONGEST_RETRY, chance=chance)
    kept = frozenset(sorted(unanswered)[:TOKENS_IN_A_ROW])
    return Pause(fault=fault, until=until, pauses=pauses, unanswered=kept)


def needs_credentials(fault: Faulted | None) -> bool:
    """Return whether other credentials of the operator may be what mends it."""
    return fault is not None and fault.reason in _OF_THE_CREDENTIALS


def resumed(pause: Pause, now: datetime) -> Pause:
    """Return the pause when there are other credentials: one question may try them now.

    The next pause is longer nevertheless, until an answer comes.
    """
    return replace(pause, until=now) if needs_credentials(pause.fault) else pause


def retried(known: Known, now: datetime) -> Known:
    """Return what is known when there are other credentials: it may be asked about now."""
    return replace(known, retry_at=now) if needs_credentials(known.fault) else known


def due_at(known: Known, interval: timedelta) -> datetime | None:
    """Return when the token is to be asked about; None means now.

    Once an interval, and sooner when the answer says nothing more by then, or lacks a part.
    """
    if known.fault is not None:
        return known.retry_at
    if known.tried_at is None:
        return None
    at, answer = known.tried_at + interval * (1 - known.sooner), known.answer
    if answer is not None and answer.capabilities.why:
        at = min(at, known.tried_at + UNTOLD_RETRY)
    until = answer.until if answer is not None else None
    return at if until is None else min(at, max(until, known.tried_at + FIRST_RETRY))


def is_due(known: Known, interval: timedelta, now: datetime) -> bool:
    """Return whether it is time to ask; a clock that was set back makes it so."""
    at = due_at(known, interval)
    behind = known.tried_at is not None and known.tried_at > now + FIRST_RETRY
    return at is None or at <= now or behind


def activity_of(
    known: Known, pause: Pause, *, provider: str, interval: timedelta, now: datetime
) -> Activity:
    """Return what a check is told of the token."""
    fault = _told(known, pause, interval, now)
    state = ActivityState.KNOWN
    if fault is not None:
        state = ActivityState.FAULTED
    elif known.answer is None or _outlived(known.answer, now):
        state = ActivityState.PENDING
    return Activity(
        provider=provider,
        state=state,
        reason=fault.reason if fault else None,
        detail=fault.detail if fault else "",
        answer=known.answer,
        answered_at=known.answered_at,
    )


def _outlived(answer: Answer, now: datetime) -> bool:
    """Return whether the token may have been renewed since, or have ended."""
    return answer.until is not None and now >= answer.until


def _told(known: Known, pause: Pause, interval: timedelta, now: datetime) -> Faulted | None:
    if known.fault is not None and (known.answer is None or known.failures >= TOLD_FROM):
        return known.fault
    if pause.fault is not None and is_due(known, interval, now):
        return pause.fault
    late = known.answered_at is not None and now >= known.answered_at + 2 * interval + LATE
    return Faulted(reason=Reason.NOT_ASKED, detail=_NOT_ASKED) if late else None
