"""Bytes of the API server -> the few fields that are wanted. Nothing else is ever built.

A Secret's annotations and managedFields may hold its values (kubectl's last-applied annotation
does): they stay raw views of the answer, except our own annotations and the times.
"""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeVar

from msgspec import MsgspecError, Raw, Struct, field
from msgspec.json import Decoder

from tokencheck.api.quantity import parse_time
from tokencheck.api.tokencheck import ANNOTATION_OWNER, NAMESPACE_OWNER, OWN_ANNOTATIONS
from tokencheck.model.evidence import SecretContent, SecretMeta
from tokencheck.model.sealed import Sealed

T = TypeVar("T")
Place = tuple[str, str]  # namespace ("" when cluster-scoped), name
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ListMeta(Struct, rename="camel"):
    """Of a page or an event list."""

    resource_version: str = ""
    continue_: str = field(name="continue", default="")


class Page(Struct):
    """A page of a LIST, its objects undecoded."""

    metadata: ListMeta
    items: list[Raw] | None = None


class WatchEvent(Struct):
    """A line of a WATCH, its object undecoded."""

    type: str
    object: Raw


class Status(Struct):
    """The object of an ERROR event."""

    code: int = 0


class Owner(Struct):
    """An owner reference."""

    uid: str = ""
    controller: bool = False


class Identity(Struct, rename="camel"):
    """What each object says about itself."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""

    @property
    def place(self) -> Place:
        """Return namespace and name; a namespace is one text for all that is in it."""
        return sys.intern(self.namespace), self.name

    @property
    def version(self) -> int:
        """Return the resourceVersion as a number. Source: KEP-5504, comparable as integers."""
        return version_of(self.resource_version)


class Head(Struct):
    """An object of which only its identity matters yet."""

    metadata: Identity


class OwnedMeta(Struct, rename="camel"):
    """Metadata with owners."""

    uid: str = ""
    owner_references: list[Owner] = []
    labels: dict[str, str] = {}


class Owned(Struct):
    """A ReplicaSet, Job or ControllerRevision: whose it is; `revision` counts the last of these."""

    metadata: OwnedMeta
    revision: int = 0

    @property
    def owner(self) -> str:
        """Return the UID of its controller, "" without one."""
        return next((o.uid for o in self.metadata.owner_references if o.controller), "")


class LabelledMeta(Struct):
    """Metadata of a Namespace."""

    labels: dict[str, str] = {}
    annotations: dict[str, Raw] = {}


class Labelled(Struct):
    """A Namespace."""

    metadata: LabelledMeta


class ManagedFields(Struct, rename="camel"):
    """Who set what, and when: only the names of the top-level fields are read."""

    time: str = ""
    fields_v1: dict[str, Raw] = field(name="fieldsV1", default_factory=dict)


class SecretMetadata(Struct, rename="camel"):
    """Metadata of a Secret."""

    name: str
    namespace: str
    uid: str
    resource_version: str
    creation_timestamp: str = ""
    annotations: dict[str, Raw] = {}
    managed_fields: list[ManagedFields] = []


class Secret(Struct):
    """A Secret; `data` comes out of its base64 here."""

    metadata: SecretMetadata
    data: dict[str, bytes] | None = None
    type: str = ""


class ConfigMap(Struct):
    """A ConfigMap's text values."""

    data: dict[str, str] | None = None


class ApiVersion(Struct):
    """One version of a group."""

    version: str = ""


class ApiGroup(Struct, rename="camel"):
    """The versions of one group."""

    preferred_version: ApiVersion
    versions: list[ApiVersion] = []


class ApiResource(Struct):
    """One line of discovery; `namespaced` is None when it does not say."""

    name: str
    kind: str
    namespaced: bool | None = None


class ApiResources(Struct):
    """What one group and version serves."""

    resources: list[ApiResource] = []


PAGE = Decoder(Page)
EVENT = Decoder(WatchEvent)
STATUS = Decoder(Status)
HEAD = Decoder(Head)
OWNED = Decoder(Owned)
LABELLED = Decoder(Labelled)
SECRET = Decoder(Secret)
CONFIG_MAP = Decoder(ConfigMap)
API_GROUP = Decoder(ApiGroup)
API_RESOURCES = Decoder(ApiResources)
_TEXT = Decoder(str)
_ANYTHING: Decoder[Any] = Decoder()


def decode(decoder: Decoder[T], body: bytes | Raw) -> T | None:
    """Return what `body` holds, or None when it is not what the API promises."""
    try:
        return decoder.decode(body)
    except (MsgspecError, UnicodeDecodeError):
        return None


def object_in(body: bytes) -> dict[str, Any]:
    """Return the JSON object that `body` is, empty when it is none."""
    found = decode(_ANYTHING, body)
    return found if isinstance(found, dict) else {}


def version_of(text: str) -> int:
    """Return a resourceVersion as a number, 0 for what is none."""
    return int(text) if text.isdecimal() else 0


def own_annotations(annotations: Mapping[str, Raw]) -> dict[str, str]:
    """Return our own annotations as text; all others stay undecoded."""
    found = {
        name: decode(_TEXT, annotations[name]) for name in OWN_ANNOTATIONS if name in annotations
    }
    return {name: text for name, text in found.items() if text is not None}


def secret_of(body: bytes) -> SecretContent | None:
    """Return the Secret that `body` holds, its values sealed, or None when it holds none."""
    secret = decode(SECRET, body)
    if secret is None:
        return None
    values = {key: Sealed(value) for key, value in (secret.data or {}).items()}
    return SecretContent(meta=secret_meta(secret.metadata, secret.type), values=values)


def secret_meta(meta: SecretMetadata, secret_type: str = "") -> SecretMeta:
    """Return what may be known of a Secret without its values.

    `changed_at` is the newest time at which a manager wrote below `data`, else the creation: writes
    of annotations by the same manager move it too, which is why it is not witnessed.
    """
    created = parse_time(meta.creation_timestamp) or _EPOCH
    touched = [
        time
        for entry in meta.managed_fields
        if "f:data" in entry.fields_v1 and (time := parse_time(entry.time))
    ]
    return SecretMeta(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        resource_version=meta.resource_version,
        created_at=created,
        changed_at=max(touched, default=created),
        annotations=own_annotations(meta.annotations),
        type=secret_type,
    )


def texts_of(raw: Raw | bytes) -> Mapping[str, str] | None:
    """Return the text values of a ConfigMap."""
    config_map = decode(CONFIG_MAP, raw)
    return None if config_map is None else MappingProxyType(config_map.data or {})


def labels_of(raw: Raw | bytes) -> Mapping[str, str] | None:
    """Return the labels of a Namespace, and its owner annotation under its own name."""
    namespace = decode(LABELLED, raw)
    if namespace is None:
        return None
    meta = namespace.metadata
    annotations = own_annotations(meta.annotations)
    name = annotations.get(ANNOTATION_OWNER)
    owner = {NAMESPACE_OWNER: name} if name else {}
    return MappingProxyType({**meta.labels, **owner})
