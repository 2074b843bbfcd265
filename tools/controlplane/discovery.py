"""Which path a kind has: read from the API server's aggregated discovery."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

_ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
# A CRD that was made a moment ago is in discovery within a second.
_NEW_KIND_WAIT_S = 5.0


class Request(Protocol):
    """What is asked of a client: a GET with an Accept header."""

    def __call__(self, method: str, path: str, *, accept: str) -> dict[str, Any]:
        """The answer as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Where the objects of one kind live."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str | None = None, name: str = "") -> str:
        """The URL path of the collection or of one object."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        place = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{place}/{self.plural}" + (f"/{name}" if name else "")


class ApiIndex:
    """Kinds of one API server, read once and again when one is missing."""

    def __init__(self, request: Request) -> None:
        """Nothing is read yet."""
        self._request = request
        self._known: dict[str, Resource] = {}

    def resource(self, kind: str) -> Resource:
        """The resource of ``Kind`` or ``group/version/Kind``.

        Raises:
            LookupError: the server does not serve it, after a short wait.
        """
        deadline = time.monotonic() + _NEW_KIND_WAIT_S
        while kind not in self._known:
            self._read()
            if kind in self._known:
                break
            if time.monotonic() > deadline:
                raise LookupError(f"The API server serves no kind {kind}")
            time.sleep(0.1)
        return self._known[kind]

    def _read(self) -> None:
        found: dict[str, Resource] = {}
        for root in ("/api", "/apis"):
            for group in self._request("GET", root, accept=_ACCEPT)["items"]:
                for one in _resources_of(group):
                    prefix = f"{one.group}/" if one.group else ""
                    found[f"{prefix}{one.version}/{one.kind}"] = one
                    # The core group and preferred versions come first and win.
                    found.setdefault(one.kind, one)
        self._known = found


def _resources_of(group: dict[str, Any]) -> Iterator[Resource]:
    for version in group.get("versions", []):
        for entry in version.get("resources", []):
            yield Resource(
                group=group["metadata"].get("name", ""),
                version=version["version"],
                kind=entry["responseKind"]["kind"],
                plural=entry["resource"],
                namespaced=entry["scope"] == "Namespaced",
            )
