"""The inventory over manifests: what they say of workloads and Secrets, without any cluster.

What the manifests lack may exist elsewhere, so it is never absent, only not read.
"""

import base64
import binascii
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import OWN_ANNOTATIONS, TokenCheck, WorkloadRef
from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.clients.surveyed import surveyed_of
from tokencheck.core.workloads.untyped import at, mapping, text
from tokencheck.model.census import ConfigMapContent, Surveyed
from tokencheck.model.evidence import Absent, Failed, SecretContent, SecretMeta, Unread
from tokencheck.model.keys import Key
from tokencheck.model.reasons import Reason
from tokencheck.model.report import Gap
from tokencheck.model.sealed import Sealed
from tokencheck.model.workload import PodRecord, Workload

_DEFAULT_NAMESPACE = "default"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Manifests:
    """Implements `model.census.Census` over objects that were read from files."""

    def __init__(
        self, objects: Iterable[Mapping[str, Any]], *, namespace: str = _DEFAULT_NAMESPACE
    ) -> None:
        """Sort the objects.

        Args:
            objects: each a whole manifest; kinds that hold neither tokens nor sites are passed
                over.
            namespace: of those that name none.
        """
        self._surveyed: list[Surveyed] = []
        self._secrets: dict[tuple[str, str], SecretContent] = {}
        self._checks: dict[Key, TokenCheck] = {}
        self._providers: dict[str, TokenProvider] = {}
        self._config_maps: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._labels: dict[str, Mapping[str, str]] = {}
        self._gaps: list[Gap] = []
        for obj in objects:
            self._add(_placed(obj, namespace))
        self._workloads = {
            Key(w.kind, w.namespace, w.name): w for w in (s.workload for s in self._surveyed)
        }

    def _add(self, obj: Mapping[str, Any]) -> None:
        meta = mapping(obj.get("metadata"))
        place = (text(meta.get("namespace")), text(meta.get("name")))
        match text(obj.get("kind")):
            case "Secret":
                self._secrets[place] = self._secret(obj, place)
            case "ConfigMap":
                self._config_maps[place] = mapping(obj.get("data"))
            case "Namespace":
                self._labels[place[1]] = mapping(meta.get("labels"))
            case "TokenCheck":
                self._checks[Key("TokenCheck", *place)] = parse_tokencheck(obj)
            case "TokenProvider":
                self._providers[place[1]] = parse_tokenprovider(obj)
            case "Pod" | "CronJob":
                self._surveyed.append(surveyed_of(obj))
            case _ if at(obj, "spec", "template", "spec", "containers") is not None:
                self._surveyed.append(surveyed_of(obj))
            case _:
                pass

    def _secret(self, obj: Mapping[str, Any], place: tuple[str, str]) -> SecretContent:
        """Return the Secret as the API server would make it: stringData over data."""
        values = {}
        for key, value in mapping(obj.get("data")).items():
            decoded = _decoded(value)
            if decoded is None:
                what = f'Secret {"/".join(place)} key "{key}"'
                action = "write base64 under data, or the text itself under stringData"
                self._gaps.append(Gap(what=what, reason=Reason.MALFORMED_TOKEN, action=action))
            else:
                values[key] = Sealed(decoded)
        for key, value in mapping(obj.get("stringData")).items():
            values[key] = Sealed(str(value).encode("utf-8", "surrogatepass"))
        annotations = mapping(at(obj, "metadata", "annotations"))
        meta = SecretMeta(
            namespace=place[0],
            name=place[1],
            uid="",
            resource_version="",
            created_at=_NEVER,
            changed_at=_NEVER,
            annotations={k: str(v) for k, v in annotations.items() if k in OWN_ANNOTATIONS},
            type=text(obj.get("type")),
        )
        return SecretContent(meta=meta, values=values)

    # The census

    async def survey(self) -> tuple[Surveyed, ...]:
        """Return the workloads of the manifests."""
        return tuple(self._surveyed)

    def all_pods(self) -> Iterable[PodRecord]:
        """Return none: no Pod runs in a file."""
        return ()

    def checks(self) -> tuple[TokenCheck, ...]:
        """Return the TokenChecks of the manifests."""
        return tuple(self._checks.values())

    async def secrets(self) -> AsyncIterator[SecretContent]:
        """Yield every Secret of the manifests."""
        for content in self._secrets.values():
            yield content

    async def config_maps(self) -> AsyncIterator[ConfigMapContent]:
        """Yield every ConfigMap of the manifests."""
        for (namespace, name), data in self._config_maps.items():
            texts = {str(key): value for key, value in data.items() if isinstance(value, str)}
            values = {k: Sealed(v.encode("utf-8", "surrogatepass")) for k, v in texts.items()}
            yield ConfigMapContent(namespace=namespace, name=name, values=values)

    def keep(self, content: SecretContent) -> None:
        """Change nothing: all are kept."""

    def drop(self, namespace: str, name: str) -> None:
        """Change nothing: all are kept."""

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Return the values that are no base64."""
        return tuple(self._gaps)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return nothing."""
        return ()

    @property
    def namespaces(self) -> int:
        """Return how many namespaces the manifests name."""
        places = {namespace for namespace, _ in self._secrets}
        return len(places | {w.namespace for w in self._workloads.values()})

    # The inventory

    def check(self, key: Key) -> TokenCheck | None:
        """Return one TokenCheck."""
        return self._checks.get(key)

    def provider(self, name: str) -> TokenProvider | None:
        """Return one TokenProvider."""
        return self._providers.get(name)

    def issuing(self, issuer: str | None = None) -> tuple[TokenProvider, ...]:  # noqa: ARG002 - of the port
        """Return none: what an admin has the operator do is not what a caller does."""
        return ()

    def matching(self, kind: str) -> tuple[TokenProvider, ...]:  # noqa: ARG002 - of the port
        """Return none: the operator alone shows tokens to anybody."""
        return ()

    def providers(self) -> tuple[TokenProvider, ...]:
        """Return the TokenProviders of the manifests."""
        return tuple(self._providers.values())

    async def workload(self, namespace: str, ref: WorkloadRef) -> Workload | Unread:
        """Return the workload that a manifest describes."""
        key = Key(ref.kind, namespace, ref.name)
        return self._workloads.get(key) or Failed(what=str(key))

    async def secret(self, namespace: str, name: str) -> SecretContent | Unread:
        """Return the Secret of a manifest."""
        found = self._secrets.get((namespace, name))
        return found or Failed(what=str(Key("Secret", namespace, name)))

    async def config_map_value(self, namespace: str, name: str, key: str) -> str | Unread:
        """Return one text value of a ConfigMap of the manifests."""
        what = str(Key("ConfigMap", namespace, name))
        data = self._config_maps.get((namespace, name))
        if data is None:
            return Failed(what=what)
        value = data.get(key)
        return value if isinstance(value, str) else Absent(what=what, key_only=True)

    async def pods(self, workload: Workload) -> tuple[PodRecord, ...] | Unread:  # noqa: ARG002 - the port's signature
        """Return none."""
        return ()

    async def namespace_labels(self, name: str) -> Mapping[str, str] | Unread:
        """Return the labels of a Namespace of the manifests."""
        found = self._labels.get(name)
        return found if found is not None else Failed(what=f"Namespace {name}")


def _placed(obj: Mapping[str, Any], namespace: str) -> Mapping[str, Any]:
    meta = mapping(obj.get("metadata"))
    if text(obj.get("kind")) in ("Namespace", "TokenProvider") or text(meta.get("namespace")):
        return obj
    return {**obj, "metadata": {**meta, "namespace": namespace}}


def _decoded(value: object) -> bytes | None:
    """Return the bytes of a base64 text, None when it is none."""
    try:
        return base64.b64decode("".join(str(value).split()), validate=True)
    except (binascii.Error, ValueError):
        return None
