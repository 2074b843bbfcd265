"""What the answers to a probe, and the installed policy, prove."""

from collections.abc import Mapping
from typing import Any

from tokencheck.core.rights.policy import PROBE_REFUSAL, requester_binding, requester_policy
from tokencheck.model.admission import REQUESTER_POLICY, Enforcement

_REFUSED_BY_US = (
    f"ValidatingAdmissionPolicy '{REQUESTER_POLICY}' with binding '{REQUESTER_POLICY}'"
    f" denied request: {PROBE_REFUSAL}"
)
_OK, _FORBIDDEN = range(200, 300), 403


def enforcement_of(
    status: int, message: str, *, shipped: bool | None, guarded: bool | None = True
) -> Enforcement:
    """Return what a dry run of the probe has shown.

    Args:
        status: HTTP status of its answer; 0 without one.
        message: of the refusal. RBAC refuses with 403 too, and proves nothing.
        shipped: whether policy and binding are those that this version ships; None when they could
            not be read.
        guarded: whether the policies beside it are on which this rests.
    """
    if status in _OK:
        return Enforcement.ADMITTED
    if status == _FORBIDDEN and shipped and guarded is False:
        return Enforcement.UNGUARDED  # what is left of those may have refused it first
    if status != _FORBIDDEN or not message.endswith(_REFUSED_BY_US):
        return Enforcement.UNKNOWN
    if shipped is None or (shipped and guarded is None):
        return Enforcement.UNKNOWN
    return Enforcement.PROVEN if shipped else Enforcement.ALTERED


def is_shipped_policy(installed: Mapping[str, Any]) -> bool:
    """Return whether an installed ValidatingAdmissionPolicy asks for all that ours asks for."""
    return bool(installed.get("spec") == requester_policy()["spec"])


def is_shipped_binding(installed: Mapping[str, Any]) -> bool:
    """Return whether an installed binding can leave out nothing but whole namespaces.

    Those it does leave out show by the probe: a selector of namespaces treats it as any TokenCheck.
    It may warn or audit beside.
    """
    spec = dict(installed.get("spec") or {})
    actions = spec.pop("validationActions", ())
    places = dict(spec.pop("matchResources", None) or {})
    places.pop("namespaceSelector", None)
    # The API server writes these defaults beside a selector.
    defaults = {"matchPolicy": "Equivalent", "objectSelector": {}}
    left_out = {name: what for name, what in places.items() if defaults.get(name) != what}
    ours = requester_binding()["spec"]
    return "Deny" in actions and not left_out and spec == {"policyName": ours["policyName"]}
