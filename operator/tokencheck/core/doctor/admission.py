"""Does the API server ask for the rights of who writes TokenChecks, everywhere?"""

from collections.abc import Iterator, Mapping

from tokencheck.core.doctor.diagnosis import Area, Diagnosis, well
from tokencheck.core.doctor.facts import Admission, Page
from tokencheck.model.admission import REQUESTER_POLICY, Enforcement
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
_BINDING = (
    f"kubectl patch validatingadmissionpolicybinding {REQUESTER_POLICY} --type=json -p"
    ' \'[{"op": "replace", "path": "/spec", "value":'
    f' {{"policyName": "{REQUESTER_POLICY}", "validationActions": ["Deny"]}}}}]\''
)


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
    found = (*_altered(seen), *_places(seen.namespaces))
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
        ("binding of the policy", seen.binding, (_BINDING,)),
    ):
        if isinstance(shipped, Unread):
            kind = "validatingadmissionpolicies,validatingadmissionpolicybindings"
            yield Diagnosis(
                area=Area.ADMISSION,
                result=Result.UNKNOWN,
                said=f"the {what} {REQUESTER_POLICY} could not be read",
                means="whether it is the one that this version ships is not known",
                mend=(f"kubectl get {kind}",),
            )
        elif not shipped:
            yield Diagnosis(
                area=Area.ADMISSION,
                result=Result.FAIL,
                said=f"the {what} {REQUESTER_POLICY} is not the one that this version ships",
                means="what it asks of authors is not known",
                mend=mend,
            )


def _places(found: Mapping[str, Enforcement]) -> Iterator[Diagnosis]:
    admitted = [name for name, one in found.items() if one is Enforcement.ADMITTED]
    if admitted:
        yield Diagnosis(
            area=Area.ADMISSION,
            result=Result.FAIL,
            said=f"the policy {REQUESTER_POLICY} is not enforced in {_listed(admitted)}",
            means=_MEANS,
            mend=(_BINDING,),
        )


def _listed(names: list[str]) -> str:
    more = len(names) - _MAX_NAMES
    end = f" and {more} more" if more > 0 else ""
    word = "namespace" if len(names) == 1 else "namespaces"
    return f"{word} {', '.join(names[:_MAX_NAMES])}{end}"
