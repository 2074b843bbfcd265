"""Judges what was written while operators died: every status, and every event.

Nothing of the product is used: what is lawful follows from the stage's truths, which events are due
from the statuses themselves, as they were recorded on a watch of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from cluster.shop import Object, condition, ready, token_of
from cluster.statuses import Seen
from faults.kills.stage import SUSPENDED, Stage

# Reason of a finding -> reason of its event, for what the scenarios bring about.
_TOLD = {
    "TokenExpired": "TokenExpired",
    "SignatureInvalid": "TokenInvalid",
    "AudienceMismatch": "TokenInvalid",
    "SecretNotFound": "TokenMissing",
    "Drifted": "TokenDrifted",
}
_ON_WORKLOAD = frozenset({"TokenExpired", "TokenDrifted"})
Told = Counter[tuple[str, str]]  # kind of the object, reason -> how often


def wrong_of(stage: Stage, history: Iterable[Seen]) -> list[str]:
    """What a status claimed that was not true: of the wrong Secret or spec, too early, or again
    after something newer had been told."""
    wrong, told = [], 0
    for one in history:
        verdict = ready(one.object)
        if verdict[0] == "Unknown" or (verdict == SUSPENDED and not _suspended(one.object)):
            continue
        found = next(
            (n for n, t in enumerate(stage.truths) if t.said_by(one.object, verdict) and n >= told),
            None,
        )
        if found is None:
            wrong.append(f"{verdict} at version {one.object['metadata']['resourceVersion']}")
        elif one.wall < stage.truths[found].since:
            wrong.append(f"{verdict} {stage.truths[found].since - one.wall:.2f} s too early")
        else:
            told = found
    return wrong


def ended(stage: Stage, found: Object) -> bool:
    """Whether a version of the check says the last truth of the stage."""
    if "status" not in found or condition(found, "Stalled").get("reason") == "Pending":
        return False
    verdict = ready(found)
    if verdict == SUSPENDED and not _suspended(found):
        return False
    return stage.truths[-1].said_by(found, verdict)


def due(history: Iterable[Seen]) -> Told:
    """The events that the transitions of these statuses call for."""
    told: Told = Counter()
    for old, new in pairwise([None, *(one.object for one in history)]):
        assert new is not None
        steps = list(_began(old or {"status": {}}, new))
        told.update(("TokenCheck", reason) for reason in steps)
        if new["status"].get("rollout", {}).get("uid"):
            told.update(("Deployment", reason) for reason in steps if reason in _ON_WORKLOAD)
    return told


def told_by(events: Iterable[Object]) -> Told:
    """What the events say, repeats in a series included."""
    told: Told = Counter()
    for event in events:
        count = event.get("series", {}).get("count", 1)
        told[event["regarding"]["kind"], event["reason"]] += count
    return told


def _began(old: Object, new: Object) -> Iterator[str]:
    stood = {(f["token"], f["reason"]) for f in old["status"].get("findings", ())}
    warned = [
        _TOLD[finding["reason"]]
        for finding in new["status"].get("findings", ())
        if finding["result"] in ("Fail", "Warn")
        and (finding["token"], finding["reason"]) not in stood
    ]
    yield from warned
    turned = [kind for kind in ("Ready", "RolloutVerified") if _turned_true(old, new, kind)]
    if not warned and "Ready" not in turned and _is_another(token_of(old), token_of(new)):
        yield "TokenRotated"
    yield from ("TokenVerified" if kind == "Ready" else kind for kind in turned)


def _turned_true(old: Object, new: Object, kind: str) -> bool:
    return condition(old, kind).get("status") != "True" == condition(new, kind).get("status")


def _is_another(old: Object, new: Object) -> bool:
    """On these stages a Secret is only written to hold another token."""
    versions = old.get("resourceVersion"), new.get("resourceVersion")
    return None not in versions and versions[0] != versions[1]


def _suspended(found: Object) -> bool:
    return condition(found, "Suspended").get("status") == "True"
