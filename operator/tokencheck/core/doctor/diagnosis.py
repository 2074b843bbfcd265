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


def unlisted(plural: str, area: Area, why: Unread) -> Diagnosis:
    """Return that objects of a kind of ours could not be listed."""
    denied = isinstance(why, Denied)
    said = (
        f"you may not list {plural} in the whole cluster"
        if denied
        else f"{plural} could not be listed"
    )
    return Diagnosis(
        area=area,
        result=Result.UNKNOWN,
        said=said,
        means="whether they are up to date is not known",
        mend=(f"kubectl auth can-i list {plural}.tokencheck.dev -A",) if denied else (),
    )


def verdict_of_all(diagnoses: Iterable[Diagnosis]) -> Verdict:
    """Return Invalid when anything fails, else Unknown when anything is not known, else Valid."""
    results = {one.result for one in diagnoses}
    if Result.FAIL in results:
        return Verdict.INVALID
    return Verdict.UNKNOWN if Result.UNKNOWN in results or not results else Verdict.VALID
