"""Does the API server ask for the rights of who writes TokenChecks, everywhere?"""

import json
from collections.abc import Iterator, Mapping

from tokencheck.core.doctor.diagnosis import Area, Diagnosis, well
from tokencheck.core.doctor.facts import Admission, Page
from tokencheck.model.admission import REQUESTER_POLICY, Enforcement, Guard
from tokencheck.model.evidence import Absent, Unread
from tokencheck.model.finding import Result

_MAX_NAMES = 3
_MEANS = "who may write TokenChecks there has Secrets read for him that he may not read himself"
_INSTALL = (
    "helm upgrade tokencheck charts/tokencheck -n tokencheck-system --reset-then-reuse-values"
    " --set admission.enabled=true"
)
# An upgrade or apply keeps what others added to its lists.
_DELETE = f"kubectl delete validatingadmissionpolicy {REQUESTER_POLICY}"
_KINDS = "validatingadmissionpolicies,validatingadmissionpolicybindings"
_MUTATING = f"{_KINDS},mutatingadmissionpolicies,mutatingadmissionpolicybindings"
_OTHER = "or its binding is not the one that this version ships"
_MISSING = "or its binding is not installed"
_UNBOUND = "is not bound as this version binds it"
_WITHOUT = {
    Guard.PROVIDER: "who may write TokenProviders can have tokens sent to a server of his; no"
    " provider is asked meanwhile",
    Guard.STAMP: "who may write TokenChecks can write another's name on them, and keep what he may"
    " no longer ask for",
    Guard.CLUSTER: "who may write ClusterTokenChecks can have the tokens of all namespaces checked",
    Guard.BYPASS: "who may write TokenChecks could open their gates; no break-glass counts now",
    Guard.STATUS: "who may write /status can forge a verdict, until the operator puts it right",
}


def admission(seen: Admission) -> Iterator[Diagnosis]:
    """Say whether the policy is installed as it ships, and where a dry run got through."""
    if isinstance(seen.policy, Absent) or isinstance(seen.binding, Absent):
        yield Diagnosis(
            area=Area.ADMISSION,
            # Both away is a choice (admission.enabled: false); one of them is an accident.
            result=Result.WARN if _both_absent(seen) else Result.FAIL,
            said=f"the policy {REQUESTER_POLICY} or its binding is not installed",
            means=_MEANS.replace(" there", ""),
            mend=(_INSTALL,),
        )
        return
    found = (*_altered(seen), *_places(seen.namespaces), *_guards(seen))
    yield from found
    if not any(one.result in (Result.FAIL, Result.UNKNOWN) for one in found):
        proven = sum(one is Enforcement.PROVEN for one in seen.namespaces.values())
        where = f"; proven in {proven} namespaces" if proven else ""
        yield well(Area.ADMISSION, f"the policy {REQUESTER_POLICY} is installed as it ships{where}")


def of_page(who: str, page: Page) -> Iterator[Diagnosis]:
    """Say what an operator could not prove."""
    told = page.facts.get("admission") or {}
    places = told.get("namespaces") or {}
    names = [name for name, found in places.items() if found == Enforcement.UNKNOWN]
    if names:
        yield Diagnosis(
            area=Area.ADMISSION,
            result=Result.WARN,
            said=f"{who} could not prove that admission is enforced in {_listed(names)}",
            means="it lacks a right, or another policy refused the dry run first",
        )


def _both_absent(seen: Admission) -> bool:
    return isinstance(seen.policy, Absent) and isinstance(seen.binding, Absent)


def _altered(seen: Admission) -> Iterator[Diagnosis]:
    for what, shipped, mend in (
        ("policy", seen.policy, (_DELETE, _INSTALL)),
        ("binding of the policy", seen.binding, (_bind(REQUESTER_POLICY),)),
    ):
        if isinstance(shipped, Unread):
            yield Diagnosis(
                area=Area.ADMISSION,
                result=Result.UNKNOWN,
                said=f"the {what} {REQUESTER_POLICY} could not be read",
                means="whether it is the one that this version ships is not known",
                mend=(f"kubectl get {_KINDS}",),
            )
        elif not shipped:
            yield Diagnosis(
                area=Area.ADMISSION,
                result=Result.FAIL,
                said=f"the {what} {REQUESTER_POLICY} is not the one that this version ships",
                means="what it asks of authors is not known",
                mend=mend,
            )


def _guards(seen: Admission) -> Iterator[Diagnosis]:
    """No dry run tries them, and they leave nothing out: what stands there is all that counts."""
    unread = {guard: why for guard, why in seen.guards.items() if _is_unread(why)}
    others = {g: why for g, why in seen.guards.items() if why is not True and g not in unread}
    # All of them first: an upgrade adds Deny to a binding that warns, which the API server refuses.
    mends = [command for guard in others for command in _mends(guard, seen)]
    if others.keys() - seen.unbound:
        mends.append(_INSTALL)
    for guard, why in others.items():
        other = _UNBOUND if guard in seen.unbound else _OTHER
        yield Diagnosis(
            area=Area.ADMISSION,
            result=Result.FAIL,
            said=f"the policy {guard} {_MISSING if isinstance(why, Absent) else other}",
            means=_WITHOUT[guard],
            mend=tuple(mends),
        )
    for guard in unread:
        yield Diagnosis(
            area=Area.ADMISSION,
            result=Result.UNKNOWN,
            said=f"the policy {guard} or its binding could not be read",
            means=f"if it is another one, {_WITHOUT[guard]}",
            mend=(f"kubectl get {_kinds(guard, stamps=seen.stamps is not False)} {guard}",),
        )


def _mends(guard: Guard, seen: Admission) -> Iterator[str]:
    """Yield what makes room for the chart's own, or binds it again without a moment in between."""
    stamps = seen.stamps is True
    if guard not in seen.unbound:
        # Of a kind that is not served (below Kubernetes 1.36) kubectl deletes nothing else either.
        yield f"kubectl delete {_kinds(guard, stamps=stamps)} {guard} --ignore-not-found"
        return
    yield _bind(guard)
    if stamps and guard is Guard.STAMP:
        yield _bind(guard, "mutating")


def _bind(name: str, kind: str = "validating") -> str:
    spec = {"policyName": name} | ({"validationActions": ["Deny"]} if kind == "validating" else {})
    patch = json.dumps([{"op": "replace", "path": "/spec", "value": spec}])
    return f"kubectl patch {kind}admissionpolicybinding {name} --type=json -p '{patch}'"


def _is_unread(found: bool | Unread) -> bool:
    return isinstance(found, Unread) and not isinstance(found, Absent)


def _kinds(guard: Guard, *, stamps: bool) -> str:
    return _MUTATING if stamps and guard is Guard.STAMP else _KINDS


def _places(found: Mapping[str, Enforcement]) -> Iterator[Diagnosis]:
    admitted = [name for name, one in found.items() if one is Enforcement.ADMITTED]
    if admitted:
        yield Diagnosis(
            area=Area.ADMISSION,
            result=Result.FAIL,
            said=f"the policy {REQUESTER_POLICY} is not enforced in {_listed(admitted)}",
            means=_MEANS,
            mend=(_bind(REQUESTER_POLICY),),
        )


def _listed(names: list[str]) -> str:
    more = len(names) - _MAX_NAMES
    end = f" and {more} more" if more > 0 else ""
    word = "namespace" if len(names) == 1 else "namespaces"
    return f"{word} {', '.join(names[:_MAX_NAMES])}{end}"
