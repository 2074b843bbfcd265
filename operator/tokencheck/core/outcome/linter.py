"""The rules that every status keeps: the oracle of the tests.

Source: kstatus; Kubernetes API conventions; Flux runtime/conditions/check (the idea of numbered
invariants).
"""

from collections.abc import Mapping
from typing import Any

from tokencheck.core.outcome.condition import Type
from tokencheck.model.finding import Result
from tokencheck.model.reasons import Reason


def faults_of(status: Mapping[str, Any], generation: int) -> list[str]:
    """Return which invariants a written status breaks; empty when it is sound."""
    own = {c["type"]: c for c in status.get("conditions", ()) if c["type"] in set(Type)}
    truth = {kind: c["status"] for kind, c in own.items()}
    rules = {
        "1: Ready or Suspended must be present": Type.READY in own
        or truth.get(Type.SUSPENDED) == "True",
        "2: Reconciling and Stalled never stand together": not {Type.RECONCILING, Type.STALLED}
        <= set(own),
        "3: Reconciling, Stalled and Suspended are present only when True": all(
            truth.get(kind, "True") == "True"
            for kind in (Type.RECONCILING, Type.STALLED, Type.SUSPENDED)
        ),
        "4: Ready=True never stands beside Reconciling or Stalled": truth.get(Type.READY) != "True"
        or not {Type.RECONCILING, Type.STALLED} & set(own),
        "5: every condition and the status carry the same observedGeneration": all(
            c.get("observedGeneration") == generation == status.get("observedGeneration")
            for c in own.values()
        ),
        "6: every reason is of the closed list": all(
            c["reason"] in set(Reason) for c in own.values()
        ),
        "7: every condition has a message and a transition time": all(
            c["message"] and c["lastTransitionTime"] for c in own.values()
        ),
        "8: types are unique": len(own)
        == sum(c["type"] in set(Type) for c in status.get("conditions", ())),
        "9: Ready=True has a passing reason": truth.get(Type.READY) != "True"
        or own[Type.READY]["reason"]
        in {
            Reason.ALL_CHECKS_PASSED,
            Reason.PASSED_WITH_WARNINGS,
            Reason.ADVISORY,
            Reason.BYPASSED,
        },
        "10: every finding has a reason of the list, and what is not fine a next action": all(
            _is_told(finding) for finding in status.get("findings", ())
        ),
    }
    return [rule for rule, kept in rules.items() if not kept]


def _is_told(finding: Mapping[str, Any]) -> bool:
    return (
        finding.get("reason") in set(Reason)
        and bool(finding.get("message"))
        and (finding.get("result") == Result.SKIP or bool(finding.get("action")))
    )
