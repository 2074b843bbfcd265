"""Reads the requester policy, and tries in a namespace whether it is enforced."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tokencheck.clients.kube.transport import Transport
from tokencheck.core.rights.enforcement import (
    enforcement_of,
    is_shipped_binding,
    is_shipped_policy,
)
from tokencheck.core.rights.policy import NAME, PROBE_NAME, probe
from tokencheck.model.admission import Enforcement
from tokencheck.model.errors import ClusterError
from tokencheck.model.evidence import Absent, Denied, Failed, Unread

_GROUP = "/apis/admissionregistration.k8s.io/v1"
_POLICY = f"{_GROUP}/validatingadmissionpolicies/{NAME}"
_BINDING = f"{_GROUP}/validatingadmissionpolicybindings/{NAME}"
_APPLY = "application/apply-patch+yaml"
# Nothing is stored. By apply, not by POST: RBAC can allow it for this one name.
_DRY = {"dryRun": "All", "fieldManager": "tokencheck", "force": "true"}


async def read_policy(transport: Transport) -> bool | Unread:
    """Return whether the installed requester policy is the one that this version ships."""
    return await _read(transport, _POLICY, is_shipped_policy)


async def read_binding(transport: Transport) -> bool | Unread:
    """Return whether its binding is."""
    return await _read(transport, _BINDING, is_shipped_binding)


def shipped_of(policy: bool | Unread, binding: bool | Unread) -> bool | None:
    """Return whether both are; None when one could not be read."""
    if isinstance(policy, Unread) or isinstance(binding, Unread):
        return None
    return policy and binding


async def try_probe(transport: Transport, namespace: str, *, shipped: bool | None) -> Enforcement:
    """Return what a dry run of a TokenCheck that must be refused shows there.

    Args:
        transport: whose writes allow it.
        namespace: in which it is tried; nothing is stored.
        shipped: of `shipped_of`.
    """
    path = f"/apis/tokencheck.dev/v1alpha1/namespaces/{namespace}/tokenchecks/{PROBE_NAME}"
    body = probe(PROBE_NAME, namespace)
    try:
        answer = await transport.patch(path, body, _DRY, content_type=_APPLY)
    except ClusterError:
        return Enforcement.UNKNOWN
    message = str(_json(answer.body).get("message", ""))
    return enforcement_of(answer.status, message, shipped=shipped)


async def _read(
    transport: Transport, path: str, judge: Callable[[Mapping[str, Any]], bool]
) -> bool | Unread:
    try:
        answer = await transport.get(path)
    except ClusterError:
        return Failed(what=path)
    match answer.status:
        case 200:
            return judge(_json(answer.body))
        case 401 | 403:
            return Denied(what=path)
        case 404:
            return Absent(what=path)
        case _:
            return Failed(what=path)


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
