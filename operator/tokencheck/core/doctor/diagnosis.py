"""What the doctor says: one finding with its meaning and the commands that mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tokencheck.model.evidence import Denied, Unread
from tokencheck.model.finding import Result, Verdict


class Area(StrEnum):
    """What a diagnosis is about, in the order of looking."""

    SERVER = "API server"
    CLOCK = "Clock"
    CRDS = "CRDs"
    CALLER = "Your rights"
    OPERATOR = "Operator"
    LEADER = "Leader"
    RIGHTS = "Operator's rights"
    SECRETS = "Secrets"
    ADMISSION = "Admission"
    ENGINE = "Engine"
    CHECKS = "TokenChecks"
    CLUSTER_CHECKS = "ClusterTokenChecks"
    PROVIDERS = "TokenProviders"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One finding.

    Args:
        said: what is so, as a sentence without a full stop.
        means: what follows from it; "" when nothing does.
        mend: commands to paste, one each, in this order; empty when there is nothing to do.
    """

    area: Area
    result: Result
    said: str
    means: str = ""
    mend: tuple[str, ...] = ()


def well(area: Area, said: str) -> Diagnosis:
    """Return that all is well."""
    return Diagnosis(area=area, result=Result.PASS, said=said)


def unlisted(area: Area, why: Unread, what: str, kind: str, unknown: str) -> Diagnosis:
    """Return that objects could not be listed.

    Args:
        area: what it is about.
        why: they could not be.
        what: they are and where, in words.
        kind: as `kubectl auth can-i list` takes it, with the options that say where.
        unknown: what is not known therefore.
    """
    denied = isinstance(why, Denied)
    return Diagnosis(
        area=area,
        result=Result.UNKNOWN,
        said=f"you may not list {what}" if denied else f"{what} could not be listed",
        means=f"{unknown} is not known",
        mend=(f"kubectl auth can-i list {kind}",) if denied else (),
    )


def verdict_of_all(diagnoses: Iterable[Diagnosis]) -> Verdict:
    """Return Invalid when anything fails, else Unknown when anything is not known, else Valid."""
    results = {one.result for one in diagnoses}
    if Result.FAIL in results:
        return Verdict.INVALID
    return Verdict.UNKNOWN if Result.UNKNOWN in results or not results else Verdict.VALID
