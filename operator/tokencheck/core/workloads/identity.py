"""Which Pod template a workload has: equal hashes mean equal templates."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tokencheck.core.workloads.untyped import items, mapping, text

# A Pod template is some ten levels deep; what a foreign kind nests deeper is cut, not followed.
_MAX_DEPTH = 64
_LENGTH = 16
# What the API server, the scheduler and admission plugins put into the spec of a Pod.
_FILLED = frozenset(
    {
        "nodeName",
        "ephemeralContainers",
        "tolerations",
        "priority",
        "preemptionPolicy",
        "serviceAccount",
    }
)
_AUTOMOUNT_PREFIX = "kube-api-access-"
_CONTAINERS = ("containers", "initContainers")


def template_hash(template: Mapping[str, Any]) -> str:
    """Return the identity of a Pod template: 16 hex digits of SHA-256 over its canonical JSON.

    `kubectl rollout restart` changes it, as it writes an annotation into the template. An absent
    field and a null are the same.
    """
    canonical = json.dumps(_plain(template, _MAX_DEPTH), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_LENGTH]


def pod_hash(spec: Mapping[str, Any]) -> str:
    """Return the identity of a bare Pod: of its spec without what the server fills."""
    own = {name: value for name, value in spec.items() if name not in _FILLED}
    own["volumes"] = _without_automount(spec.get("volumes"))
    for name in _CONTAINERS:
        own[name] = [_own_mounts(container) for container in items(spec.get(name))]
    return template_hash({"spec": own})


def _own_mounts(container: Mapping[str, Any]) -> dict[str, Any]:
    return {**container, "volumeMounts": _without_automount(container.get("volumeMounts"))}


def _without_automount(named: object) -> list[Mapping[str, Any]]:
    return [i for i in items(named) if not text(i.get("name")).startswith(_AUTOMOUNT_PREFIX)]


def _plain(value: object, depth: int) -> object:
    """Return `value` as what JSON can hold, whatever a YAML file made of it."""
    if isinstance(value, str | int | float):
        return value
    if depth == 0:
        return None
    if isinstance(value, Mapping):
        pairs = mapping(value).items()
        return {str(k): _plain(v, depth - 1) for k, v in pairs if v is not None}
    if isinstance(value, list | tuple):
        return [_plain(item, depth - 1) for item in value]
    return None if value is None else str(value)
