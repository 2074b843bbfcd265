"""The break-glass policy: who may open the gate of a TokenCheck, decided by the API server itself.

The chart installs it from a copy, as it does with the requester policy. For how long at most is for
the operator to say: CEL has no clock, and the times in managedFields are the author's to write.
"""

from tokencheck.core.rights.manifests import Manifest, policy_of
from tokencheck.core.rights.needs import OURS
from tokencheck.model.admission import Guard

_PREFIX = f"{OURS}/bypass-"
_NOTES = "metadata.annotations"


def bypass_policy() -> Manifest:
    """Return the ValidatingAdmissionPolicy on the annotations `tokencheck.dev/bypass-*`."""
    spec = {
        "variables": [{"name": name, "expression": expression} for name, expression in _VARIABLES],
        "validations": _validations(),
    }
    return policy_of(Guard.BYPASS, ["tokenchecks"], spec)


def _bypasses(what: str) -> str:
    return f"{what}.{_NOTES}.filter(k, k.startsWith('{_PREFIX}'))"


_VARIABLES = (
    ("given", f"has(object.{_NOTES}) ? {_bypasses('object')} : []"),
    (
        "before",
        f"oldObject != null && has(oldObject.{_NOTES}) ? {_bypasses('oldObject')} : []",
    ),
    (
        "unchanged",
        f"variables.given.all(k, k in variables.before && object.{_NOTES}[k] =="
        f" oldObject.{_NOTES}[k]) && variables.before.all(k, k in variables.given)",
    ),
    # Who touches something else, or ends it, opens nothing.
    ("free", "variables.unchanged || size(variables.given) == 0"),
    ("until", f"'{_PREFIX}until' in variables.given ? object.{_NOTES}['{_PREFIX}until'] : ''"),
)


def _validations() -> list[Manifest]:
    by, reason = f"{_PREFIX}by", f"{_PREFIX}reason"
    form = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
    return [
        {
            "expression": f"variables.free || authorizer.group('{OURS}').resource('tokenchecks')"
            ".subresource('bypass').namespace(request.namespace).name(object.metadata.name)"
            ".check('update').allowed()",
            "messageExpression": f"'{_PREFIX}*: to open gates you need update on"
            " tokenchecks/bypass in namespace ' + request.namespace",
            "reason": "Forbidden",
        },
        {
            "expression": f"variables.free || ('{by}' in variables.given &&"
            f" object.{_NOTES}['{by}'] == request.userInfo.username)",
            "messageExpression": f"'{by}: write your own user name, ' + request.userInfo.username",
            "reason": "Forbidden",
        },
        {
            "expression": f"variables.free || ('{reason}' in variables.given &&"
            f" object.{_NOTES}['{reason}'].matches('[^ ]'))",
            "message": f"{reason}: say why the gates must open",
            "reason": "Invalid",
        },
        {
            "expression": f"variables.free || variables.until.matches('{form}')",
            "message": f"{_PREFIX}until: write until when, such as 2027-01-31T12:00:00Z; at most"
            " 24 h are honoured",
            "reason": "Invalid",
        },
    ]
