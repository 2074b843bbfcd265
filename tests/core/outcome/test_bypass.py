"""Break-glass: whom it lets pass, for how long, and what it leaves as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from core_outcome_builders import START, Life, assessed, failing, passing, rollout, seconds

from tokencheck.api.quantity import format_time
from tokencheck.core.outcome.transitions import retold
from tokencheck.model.admission import BypassProof
from tokencheck.model.keys import Key
from tokencheck.model.outcome import Outcome
from tokencheck.model.reasons import Reason
from tokencheck.model.workload import RolloutState

ROWS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("bypass.yaml").read_text())
EXPIRED = failing(Reason.TOKEN_EXPIRED)
OPEN, CLOSED = ("True", "Bypassed"), ("False", "TokenExpired")


def broken(life: Life, *, hours: float = 1, **other: str) -> Life:
    until = format_time(life.now + timedelta(hours=hours))
    return life.annotate(**{"until": until, "by": "ann", "reason": "the issuer is down"} | other)


def told(outcome: Outcome) -> list[tuple[str, str]]:
    events = [one for one in outcome.events if one.reason.startswith("Gate")]
    return [(one.type, one.reason) for one in events]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_what_the_annotations_do(row: dict[str, Any]) -> None:
    """Each step is a pass at that time; the status of one is what the next one remembers."""
    life = Life()
    for step in row["steps"]:
        life.now = START + timedelta(seconds=step["at"])
        life.proof = BypassProof(step.get("proof", "Proven"))
        if "annotations" in step:
            life.annotate(**step["annotations"])
        outcome = life.judge(assessed(*EXPIRED))
        assert life.says("Ready") == (OPEN if step["open"] else CLOSED), step
        found = life.condition("Bypassed")
        assert (found["reason"] if found else None) == step["says"], step
        for word in step.get("words", ()):
            assert word in (found or {})["message"], step
        assert outcome.status["verdict"] == "Invalid"
        assert life.says("Unexpired") == CLOSED
        wakes = outcome.wake_at
        if "wakes" in step:
            assert wakes == life.now + seconds(step["wakes"]), step


def test_it_is_told_when_it_begins_and_when_it_ends_and_once() -> None:
    life = Life()
    life.judge(assessed(*EXPIRED), rollout(RolloutState.SETTLED))
    begin = broken(life).judge(assessed(*EXPIRED), rollout(RolloutState.SETTLED))
    both = [("Warning", "GateBypassed")] * 2  # on the TokenCheck and on the workload
    assert told(begin) == both
    assert "by ann until 2026-11-24T13:00:00Z: the issuer is down" in begin.events[0].note
    assert {one.regarding for one in begin.events} == {
        Key("TokenCheck", "shop", "checkout"),
        Key("Deployment", "shop", "checkout"),
    }
    assert told(life.later(60).judge(assessed(*EXPIRED), rollout(RolloutState.SETTLED))) == []
    longer = broken(life, hours=2).judge(assessed(*EXPIRED), rollout(RolloutState.SETTLED))
    assert told(longer) == both
    end = life.later(7200).judge(assessed(*EXPIRED), rollout(RolloutState.SETTLED))
    assert told(end) == [("Normal", "GateBypassEnded")] * 2
    again = [one.reason for one in retold(life.check, life.now) if one.reason.startswith("Gate")]
    assert again == ["GateBypassEnded"] * 2
    assert {one.about for one in retold(life.check, life.now)} >= {one.about for one in end.events}
    assert told(life.annotate().judge(assessed(*EXPIRED))) == []
    assert life.says("Bypassed") == ("False", "BypassEnded")


def test_taking_it_back_ends_it_and_is_told() -> None:
    life = broken(Life())
    life.judge(assessed(*EXPIRED))
    ended = life.later(5).annotate().judge(assessed(*EXPIRED))
    assert told(ended) == [("Normal", "GateBypassEnded")]
    assert life.says("Ready") == CLOSED
    assert "bypass" not in life.check.status


def test_what_has_no_effect_is_told_as_a_warning() -> None:
    refused = broken(Life(), until="tomorrow").judge(assessed(*EXPIRED))
    assert told(refused) == [("Warning", "GateBypassRefused")]


def test_ready_says_who_and_why_and_what_the_tokens_are() -> None:
    life = broken(Life())
    life.judge(assessed(*EXPIRED))
    said = (life.condition("Ready") or {})["message"]
    assert said.startswith(
        "bypassed by ann until 2026-11-24T13:00:00Z: the issuer is down;"
        " the verdict is Invalid: TokenExpired: Secret shop/api"
    )


def test_an_open_gate_is_no_verified_token() -> None:
    life = broken(Life())
    opened = life.judge(assessed(*passing()))
    assert life.says("Ready") == OPEN
    assert "TokenVerified" not in [one.reason for one in opened.events]
    closed = life.later(3600).judge(assessed(*passing()))
    assert life.says("Ready") == ("True", "AllChecksPassed")
    assert "TokenVerified" in [one.reason for one in closed.events]


def test_no_rollout_is_held_back_and_none_is_called_verified() -> None:
    life = broken(Life())
    life.judge(assessed(*EXPIRED), rollout(RolloutState.SETTLED))
    begun = rollout(RolloutState.IN_PROGRESS, template="t2", generation=2)
    assert life.open(begun) is None
    life.judge(assessed(*passing()), begun)
    assert life.says("Ready") == OPEN
    assert life.says("RolloutVerified") == ("Unknown", "RolloutInProgress")
    assert life.says("Reconciling") is None


def test_one_that_ends_with_the_begin_of_a_rollout_is_told_too() -> None:
    life = broken(Life())
    life.judge(assessed(*EXPIRED), rollout(RolloutState.SETTLED))
    begun = rollout(RolloutState.IN_PROGRESS, template="t2", generation=2)
    opening = life.later(3600).open(begun)
    assert opening is not None
    assert ("Normal", "GateBypassEnded") in told(opening)
    assert life.says("Ready") == ("Unknown", "RolloutInProgress")


def test_the_gate_waits_for_no_provider_neither_to_open_nor_to_close() -> None:
    life = Life()
    life.judge(assessed(*EXPIRED))
    assert life.between() is None
    opened = broken(life).between()
    assert opened is not None
    assert told(opened) == [("Warning", "GateBypassed")]
    assert life.says("Ready") == OPEN
    assert life.says("Unexpired") == CLOSED
    assert life.between() is None
    closed = life.later(3600).between()
    assert closed is not None
    assert told(closed) == [("Normal", "GateBypassEnded")]
    assert life.says("Ready") == ("Unknown", "BypassEnded")
    life.judge(assessed(*EXPIRED))
    assert life.says("Ready") == CLOSED


def test_one_that_is_prolonged_while_an_answer_is_awaited_is_seen_at_once() -> None:
    life = broken(Life())
    life.judge(assessed(*EXPIRED))
    longer = broken(life.later(60), hours=23).between()
    assert longer is not None
    assert life.says("Ready") == OPEN
    said = (life.condition("Ready") or {})["message"]
    assert said.startswith("bypassed by ann until 2026-11-25T11:01:00Z")
    assert said.endswith("the verdict is Invalid: Pending: the tokens are being judged")
    assert life.check.status["bypass"]["seenTime"] == "2026-11-24T12:01:00Z"
    assert life.between() is None


def test_a_gate_that_opens_before_anything_was_judged_is_not_called_closed() -> None:
    life = Life()
    running = life.check.spec
    life.check = replace(life.check, spec=replace(running, suspend=True))
    life.stop()
    life.check = replace(life.check, spec=running)
    broken(life).between()
    assert life.says("Ready") == OPEN
    assert life.says("Suspended") is None
    said = (life.condition("Ready") or {})["message"]
    assert said.endswith("the verdict is Unknown: Pending: the tokens are being judged")


def test_that_nobody_guarded_it_is_remembered_without_waiting_for_a_provider() -> None:
    life = Life()
    life.judge(assessed(*EXPIRED))
    life.proof = BypassProof.MISSING
    refused = broken(life).between()
    assert refused is not None
    assert told(refused) == [("Warning", "GateBypassRefused")]
    assert life.says("Ready") == CLOSED
    assert life.between() is None
    life.proof = BypassProof.PROVEN
    assert life.between() is None
    life.judge(assessed(*EXPIRED))
    assert life.says("Ready") == CLOSED


@pytest.mark.parametrize("stop", ["invalid", "revoked"])
def test_it_opens_whatever_closes_the_gate(stop: str) -> None:
    life = Life(tokens=[]) if stop == "invalid" else Life()
    write = life.stop if stop == "invalid" else life.revoke
    write()
    closed = life.says("Ready")
    assert closed != OPEN
    opened = broken(life).later(1)
    outcome = write()
    assert life.says("Ready") == OPEN
    assert opened.says("Stalled") is None
    assert told(outcome) == [("Warning", "GateBypassed")]
    assert outcome.wake_at == life.now + seconds(3599)
    life.later(3600)
    assert told(write()) == [("Normal", "GateBypassEnded")]
    assert life.says("Ready") == closed


def test_a_suspended_check_has_no_gate_and_forgets_nothing() -> None:
    life = broken(Life(), hours=30)
    life.judge(assessed(*EXPIRED))
    running = life.check.spec
    life.check = replace(life.check, spec=replace(running, suspend=True))
    life.later(7 * 3600).stop()
    assert life.says("Ready") is None
    life.check = replace(life.check, spec=running)
    life.judge(assessed(*EXPIRED))  # its end is 23 h away now
    assert life.says("Bypassed") == ("False", "BypassRefused")


def test_a_suspended_check_is_no_open_gate_and_opens_again_when_it_goes_on() -> None:
    life = broken(Life(), hours=2)
    life.judge(assessed(*EXPIRED))
    running = life.check.spec
    life.check = replace(life.check, spec=replace(running, suspend=True))
    assert told(life.later(60).stop()) == []
    assert (life.says("Ready"), life.says("Bypassed")) == (None, None)
    assert life.check.status["bypass"]["seenTime"] == "2026-11-24T12:00:00Z"
    assert told(life.later(60).stop()) == []
    life.check = replace(life.check, spec=running)
    life.later(60).judge(assessed(*EXPIRED))
    assert life.says("Ready") == OPEN
    life.check = replace(life.check, spec=replace(running, suspend=True))
    life.later(60).stop()
    assert told(life.later(7200).stop()) == [("Normal", "GateBypassEnded")]
    assert life.says("Bypassed") == ("False", "BypassEnded")


def test_what_is_told_of_long_texts_is_short() -> None:
    life = broken(Life(), by="a" * 5000, reason="é\x1b[31m" + "b" * 5000)
    outcome = life.judge(assessed(*EXPIRED))
    assert life.says("Ready") == OPEN
    assert len(outcome.status["bypass"]["by"]) == 128
    assert outcome.status["bypass"]["reason"].startswith("é?[31mb")
    assert len((life.condition("Bypassed") or {})["message"].encode()) <= 512
