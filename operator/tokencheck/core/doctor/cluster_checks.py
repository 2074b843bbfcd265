"""Does anybody act on ClusterTokenChecks, and may those who wrote them still ask for as much?"""

from collections.abc import Iterator, Sequence

from tokencheck.core.doctor.checks import FRESH_S
from tokencheck.core.doctor.diagnosis import Area, Diagnosis, unlisted, well
from tokencheck.core.doctor.facts import MOST_AUTHORS, ClusterCheckSeen, Setup
from tokencheck.core.doctor.rights import Commands
from tokencheck.model.evidence import Absent, Unread
from tokencheck.model.finding import Result
from tokencheck.model.reasons import Reason
from tokencheck.model.rights import AUTHOR_OF_CLUSTER_CHECKS
from tokencheck.model.scope import Scope

_ENABLE = (
    "helm upgrade tokencheck charts/tokencheck -n tokencheck-system --reset-then-reuse-values"
    " --set clusterTokenChecks.enabled=true"
)
# What a token is worth is said of its TokenCheck; these are about the installation.
_STUCK = (Reason.CHECKS_REFUSED, Reason.ACCESS_DENIED, Reason.INVALID_SPEC)
_READY = ("True", "False", "Unknown")


def cluster_checks(
    seen: tuple[ClusterCheckSeen, ...] | Unread,
    setups: tuple[Setup, ...] | Unread,
    commands: Commands,
) -> Iterator[Diagnosis]:
    """Say whether they are acted on, which of them are stuck, and whose author lost his right."""
    if isinstance(seen, Unread):
        if not isinstance(seen, Absent):  # then the CRDs were found to be missing
            what, kind = "clustertokenchecks", "clustertokenchecks.tokencheck.dev"
            unknown = "whether an operator acts on them"
            yield unlisted(Area.CLUSTER_CHECKS, seen, what, kind, unknown)
        return
    known = () if isinstance(setups, Unread) else setups
    acting = [one for one in known if one.cluster_checks]
    if known and not acting:
        yield _idle(seen)
        return
    found = (*_scope(acting), *_stuck(seen), *_authors(seen, commands))
    yield from found
    if seen and not found:
        counts = [(word, sum(one.ready == word for one in seen)) for word in _READY]
        told = ", ".join(f"{count} Ready={word}" for word, count in counts if count)
        yield well(Area.CLUSTER_CHECKS, f"{_count(seen)}: {told}")
    elif acting and not seen:
        yield well(Area.CLUSTER_CHECKS, "the operator acts on them, and there are none")


def _idle(seen: Sequence[ClusterCheckSeen]) -> Diagnosis:
    if not seen:
        said = "the operator acts on none, and there are none (clusterTokenChecks.enabled: false)"
        return Diagnosis(area=Area.CLUSTER_CHECKS, result=Result.SKIP, said=said)
    return Diagnosis(
        area=Area.CLUSTER_CHECKS,
        result=Result.WARN,
        said=f"no operator acts on {_count(seen)}",
        means="they make no TokenChecks, and those that were made stay as they are",
        mend=(_ENABLE,),
    )


def _scope(acting: Sequence[Setup]) -> Iterator[Diagnosis]:
    for setup in acting:
        if setup.scope is Scope.NAMED:
            yield Diagnosis(
                area=Area.CLUSTER_CHECKS,
                result=Result.WARN,
                said=f"the operator {setup.namespace}/{setup.name} can make no TokenCheck",
                means="with secrets.scope: named admission refuses them, as it refuses anybody who"
                " may not get the Secrets of a namespace",
            )


def _stuck(seen: Sequence[ClusterCheckSeen]) -> Iterator[Diagnosis]:
    for one in seen:
        look = (f"kubectl describe clustertokencheck {one.name}",)
        if one.reason in _STUCK:
            yield Diagnosis(
                area=Area.CLUSTER_CHECKS,
                result=Result.WARN,
                said=f"ClusterTokenCheck {one.name} is stuck: {one.message.rstrip('.')}",
                means="some workloads have no TokenCheck, or one of an older template",
                mend=look,
            )
        elif one.reason == Reason.PENDING and one.age_s > FRESH_S:
            yield Diagnosis(
                area=Area.CLUSTER_CHECKS,
                result=Result.FAIL,
                said=f"ClusterTokenCheck {one.name} was never looked at by an operator",
                means="it makes no TokenChecks",
                mend=look,
            )


def _authors(seen: Sequence[ClusterCheckSeen], commands: Commands) -> Iterator[Diagnosis]:
    for one in seen:
        if not one.author or one.allowed:
            continue
        if one.allowed is None:
            yield Diagnosis(
                area=Area.CLUSTER_CHECKS,
                result=Result.UNKNOWN,
                said=f"what {one.author}, who wrote ClusterTokenCheck {one.name}, may do is not"
                " known",
                means="its TokenChecks end as AccessRevoked where he may get Secrets no more. You"
                f" may not ask, or nobody answered, or he is none of the first {MOST_AUTHORS}",
                mend=("kubectl auth can-i create subjectaccessreviews.authorization.k8s.io",),
            )
            continue
        yield Diagnosis(
            area=Area.CLUSTER_CHECKS,
            result=Result.WARN,
            said=f"{one.author}, who wrote ClusterTokenCheck {one.name}, may not get the Secrets of"
            " all namespaces any more",
            means="its TokenChecks end as AccessRevoked wherever he may neither get Secrets nor"
            " create Pods; give the right back, or have somebody who has it write the spec anew",
            mend=commands((AUTHOR_OF_CLUSTER_CHECKS,), one.author),
        )


def _count(seen: Sequence[ClusterCheckSeen]) -> str:
    return f"{len(seen)} ClusterTokenCheck{'' if len(seen) == 1 else 's'}"
