"""When a provider is asked for its keys, and how long what it said counts. Pure.

* Fresh keys are asked for every `refresh`, sooner when the server says so, never later: a key that
  the issuer removed is trusted no longer than that.
* After a fault the old keys count on, their age is shown, and they end at `max_stale`.
* A token with an unknown key id, newer than the keys, brings one question ahead of time.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tokencheck.api.keysource import RemoteKeys
from tokencheck.core.questions.pauses import FIRST_RETRY, pause_after
from tokencheck.core.questions.replies import Faulted
from tokencheck.model.keyset import KeySet

SHORTEST = timedelta(minutes=1)  # between two regular questions, whatever max-age says
COOL_DOWN = timedelta(seconds=30)  # between two questions ahead of time
# An issuer may sign with a key a moment before it publishes it. Tokens older than that beside the
# keys cannot be helped by asking again.
SETTLE = timedelta(minutes=1)
JITTER = 0.1  # so that the providers of one start do not stay in step


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one provider's keys.

    Args:
        keys: None before the first good answer.
        read_at: when it came.
        fault: of the last question; None when it was answered.
        failures: questions without an answer, in a row.
        tried_at: when the last question ended.
        due_at: when to ask again; None means now.
        forced_at: when last asked ahead of time.
    """

    keys: KeySet | None = None
    read_at: datetime | None = None
    fault: Faulted | None = None
    failures: int = 0
    tried_at: datetime | None = None
    due_at: datetime | None = None
    forced_at: datetime | None = None


def answered(
    known: Known,
    keys: KeySet,
    max_age_s: float | None,
    *,
    rules: RemoteKeys,
    now: datetime,
    chance: float,
) -> Known:
    """Return what is known after a good answer; `chance` is a random number from 0 to 1."""
    wait = rules.refresh
    if max_age_s is not None:
        wait = min(wait, max(SHORTEST, timedelta(seconds=min(max_age_s, wait.total_seconds()))))
    wait *= 1 - JITTER * chance
    return Known(keys=keys, read_at=now, tried_at=now, due_at=now + wait, forced_at=known.forced_at)


def failed(
    known: Known, fault: Faulted, *, rules: RemoteKeys, now: datetime, chance: float
) -> Known:
    """Return what is known after a fault: the same keys, asked for again after a growing pause.

    A question that waited too long behind others for the same host says nothing of the issuer.
    """
    if fault.of_token:
        said = known.fault if known.keys is not None else fault
        wait = FIRST_RETRY * (0.5 + chance / 2)
        return replace(known, fault=said, tried_at=now, due_at=now + wait)
    failures = known.failures + 1
    wait = pause_after(failures, fault, longest=rules.refresh, chance=chance)
    return replace(known, fault=fault, failures=failures, tried_at=now, due_at=now + wait)


def is_due(known: Known, now: datetime) -> bool:
    """Return whether it is time to ask; a clock that was set back makes it so."""
    behind = known.tried_at is not None and known.tried_at > now + SHORTEST
    return known.due_at is None or known.due_at <= now or behind


def ask_ahead_at(known: Known, changed_at: datetime, now: datetime) -> datetime | None:
    """Return when a token with an unknown key id is worth a question; None when it is not.

    Args:
        changed_at: when the token came.
    """
    if known.read_at is None or known.read_at >= changed_at + SETTLE:
        return None
    free_at = now if known.forced_at is None else known.forced_at + COOL_DOWN
    return max(now, min(free_at, now + COOL_DOWN))


def too_old(known: Known, rules: RemoteKeys, now: datetime) -> bool:
    """Return whether the keys are older than may be trusted."""
    return known.read_at is not None and now >= known.read_at + rules.max_stale


def look_again_at(known: Known, rules: RemoteKeys, now: datetime) -> datetime:
    """Return when the provider wants to be looked at: to be asked, or because its keys end."""
    moments = [known.due_at or now]
    if known.read_at is not None and not too_old(known, rules, now):
        moments.append(known.read_at + rules.max_stale)
    return min(moments)
