"""What all ValidatingAdmissionPolicies of the chart, and their bindings, have in common.

Every field that the API server would add is written out, so that what is installed and what ships
are equal to the letter.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tokencheck.core.rights.needs import OURS

Manifest = dict[str, Any]
SPEC_CHANGED = "oldObject == null || object.spec != oldObject.spec"
_API = "admissionregistration.k8s.io/v1"


def policy_of(name: str, resources: Sequence[str], spec: Mapping[str, Any]) -> Manifest:
    """Return a policy on who creates and updates these resources of ours, in every namespace."""
    rule = {
        "apiGroups": [OURS],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": list(resources),
        "scope": "*",
    }
    places = {
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "resourceRules": [rule],
    }
    return {
        "apiVersion": _API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": str(name)},
        "spec": {"failurePolicy": "Fail", "matchConstraints": places, **spec},
    }


def binding_of(name: str) -> Manifest:
    """Return the binding that enforces a policy in every namespace."""
    return {
        "apiVersion": _API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": str(name)},
        "spec": {"policyName": str(name), "validationActions": ["Deny"]},
    }
