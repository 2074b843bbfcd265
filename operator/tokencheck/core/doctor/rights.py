"""Which rights are missing, what does not work without them, and the commands that grant them.

The commands are made by `core.rights`, which this room does not know: they are handed in.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from tokencheck.core.doctor.diagnosis import Area, Diagnosis, well
from tokencheck.core.doctor.facts import Setup
from tokencheck.model.finding import Result
from tokencheck.model.rights import Need, Review, Right
from tokencheck.model.scope import Scope

Reviewed: TypeAlias = tuple[Need, tuple[Review, ...]]
Commands: TypeAlias = Callable[[Iterable[Right], str], tuple[str, ...]]
"""(missing rights, user) -> what to type."""

_MAX_NAMES = 4


def caller(reviewed: Sequence[Reviewed], user: str, commands: Commands) -> Iterator[Diagnosis]:
    """Say what the caller may not do; only a warning, for he may not want to."""
    if _unasked(reviewed):
        yield Diagnosis(
            area=Area.CALLER,
            result=Result.UNKNOWN,
            said="the API server does not say what you may do",
        )
        return
    lacks = tuple(_lacks(reviewed, user, commands))
    for said, means, mend in lacks:
        yield Diagnosis(
            area=Area.CALLER, result=Result.WARN, said=f"you {said}", means=means, mend=mend
        )
    if not lacks:
        yield well(Area.CALLER, "you may use every command")


def operator(reviewed: Sequence[Reviewed], setup: Setup, commands: Commands) -> Iterator[Diagnosis]:
    """Say what the operator may not do."""
    if _unasked(reviewed):
        yield Diagnosis(
            area=Area.RIGHTS,
            result=Result.UNKNOWN,
            said=f"you may not ask what {setup.user} may do",
            means="a right that it lacks shows only as AccessDenied in TokenChecks",
            mend=("kubectl auth can-i create subjectaccessreviews.authorization.k8s.io",),
        )
        return
    lacks = tuple(_lacks(reviewed, setup.user, commands))
    for said, means, mend in lacks:
        yield Diagnosis(
            area=Area.RIGHTS,
            result=Result.FAIL,
            said=f"{setup.user} {said}",
            means=means,
            mend=mend,
        )
    if not lacks:
        count = sum(len(reviews) for _, reviews in reviewed)
        yield well(Area.RIGHTS, f"{setup.user} has all {count} rights that it needs")


def reach(setup: Setup) -> Iterator[Diagnosis]:
    """Say which Secrets the operator is told to read."""
    match setup.scope:
        case Scope.CLUSTER:
            said = "the operator reads every Secret that is named (secrets.scope: cluster)"
        case Scope.NAMESPACES:
            said = f"the operator reads Secrets of namespace {_listed(setup.namespaces)} alone"
        case Scope.NAMED:
            names = [f"{space}/{name}" for space, of in setup.named.items() for name in of]
            said = f"the operator reads the Secrets {_listed(names)} alone"
    yield well(Area.SECRETS, said)


def _lacks(
    reviewed: Sequence[Reviewed], user: str, commands: Commands
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (what is not allowed, what follows, what to type): one for each consequence and place.

    Needs of one consequence are told together: eight kinds of workloads are one sentence.
    """
    missing: dict[tuple[str, str], list[Right]] = {}
    for need, reviews in reviewed:
        lacking = [review.right for review in reviews if not review.allowed]
        if lacking:
            missing.setdefault((need.why, need.namespace), []).extend(lacking)
    for (why, namespace), rights in missing.items():
        verbs = dict.fromkeys(right.verb for right in rights)
        what = _listed([_object(right) for right in rights])
        where = f"in namespace {namespace}" if namespace else "in the whole cluster"
        yield f"may not {'/'.join(verbs)} {what} {where}", why, commands(rights, user)


def _object(right: Right) -> str:
    return f"{right.kind} {right.name}" if right.name else right.kind


def _unasked(reviewed: Sequence[Reviewed]) -> bool:
    return any(review.allowed is None for _, reviews in reviewed for review in reviews)


def _listed(names: Sequence[str]) -> str:
    once = list(dict.fromkeys(names))
    more = len(once) - _MAX_NAMES
    return ", ".join(once[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
