"""What every object of ours has around its spec. Total: a file may hold any JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tokencheck.api.fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """The metadata of an object; what is missing, or of another type than it has to be, is empty.

    Args:
        created: when it was made, as the API server wrote it.
        annotations: those whose values are text.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    resource_version: str
    created: str
    annotations: Mapping[str, str]


def meta_of(obj: Mapping[str, Any]) -> Meta:
    """Return the metadata that `obj` holds."""
    found = _mapping(obj.get("metadata"))
    generation = found.get("generation")
    annotations = _mapping(found.get("annotations")).items()
    return Meta(
        namespace=_text(found.get("namespace")),
        name=_text(found.get("name")),
        uid=_text(found.get("uid")),
        generation=generation if isinstance(generation, int) else 0,
        resource_version=_text(found.get("resourceVersion")),
        created=_text(found.get("creationTimestamp")),
        annotations={key: value for key, value in annotations if isinstance(value, str)},
    )


def spec_of(obj: Mapping[str, Any]) -> Fields:
    """Return the spec that `obj` holds; one that is no object is a fault and empty."""
    value = obj.get("spec")
    fields = Fields("spec", _mapping(value))
    if value is not None and not isinstance(value, Mapping):
        fields.fault("", "must be an object")
    return fields


def status_of(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the status that `obj` holds, as it is; empty where it has none."""
    return MappingProxyType(dict(_mapping(obj.get("status"))))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
