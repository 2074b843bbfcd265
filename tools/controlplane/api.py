"""A small synchronous client of the API server: plain JSON in, plain JSON out.

Kinds are named as people write them (``"Secret"``, ``"Deployment"``); where a kind exists in
two groups, as ``"events.k8s.io/v1/Event"``. Paths come from the server's own discovery.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from controlplane.discovery import ApiIndex, Resource

Object = dict[str, Any]
_JSON = "application/json"
_PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


class ApiError(Exception):
    """The server refused; ``code``, ``reason`` and ``status`` are what it answered."""

    def __init__(self, code: int, status: Object) -> None:
        """Keeps the server's Status object."""
        super().__init__(f"{code} {status.get('reason', '')}: {status.get('message', '')}")
        self.code = code
        self.reason: str = status.get("reason", "")
        self.status = status


class Api:
    """One identity's view of one API server."""

    def __init__(self, host: str, port: int, ca_file: str, token: str) -> None:
        """Nothing is sent yet."""
        self._host, self._port, self._token = host, port, token
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._local = threading.local()
        self._opened: list[http.client.HTTPSConnection] = []
        self._index = ApiIndex(self.request)

    def close(self) -> None:
        """The connections of all threads are closed; the next request opens one again."""
        while self._opened:
            self._opened.pop().close()
        self._local = threading.local()

    # Objects

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object:
        """The object as it is now."""
        return self.request("GET", self.path(kind, namespace, name))

    def find(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """The object, or None when there is none."""
        try:
            return self.get(kind, name, namespace)
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def list(self, kind: str, namespace: str | None = None, **query: str) -> list[Object]:
        """All objects of a kind; ``labelSelector=`` and ``fieldSelector=`` as the API has them."""
        items: list[Object] = self.request("GET", self.path(kind, namespace), query=query)["items"]
        return items

    def delete_all(self, kind: str, namespace: str | None = None) -> None:
        """Every object of a namespaced kind that is there now is gone or on its way out."""
        for found in self.list(kind, namespace):
            meta = found["metadata"]
            self.delete(kind, meta["name"], meta["namespace"])

    def create(self, manifest: Object) -> Object:
        """The object exists and did not before."""
        resource, namespace = self._of(manifest)
        return self.request("POST", resource.path(namespace), manifest)

    def replace(self, manifest: Object) -> Object:
        """The object is as given (a PUT: with resourceVersion it is fenced)."""
        resource, namespace = self._of(manifest)
        name = manifest["metadata"]["name"]
        return self.request("PUT", resource.path(namespace, name), manifest)

    def apply(self, manifest: Object, *, manager: str = "kubectl") -> Object:
        """The object has what the manifest says: created or changed, by server-side apply."""
        resource, namespace = self._of(manifest)
        name = manifest["metadata"]["name"]
        return self.request(
            "PATCH",
            resource.path(namespace, name),
            manifest,
            content_type=_PATCHES["apply"],
            query={"fieldManager": manager, "force": "true"},
        )

    def patch(
        self,
        kind: str,
        name: str,
        body: Object | Sequence[Object],
        namespace: str | None = None,
        *,
        subresource: str = "",
        how: str = "merge",
    ) -> Object:
        """The object with the patch in it; ``how`` is merge, json or strategic."""
        path = self.path(kind, namespace, name, subresource)
        return self.request("PATCH", path, body, content_type=_PATCHES[how])

    def delete(self, kind: str, name: str, namespace: str | None = None) -> None:
        """The object is gone or on its way out; one that never was is no error."""
        try:
            self.request("DELETE", self.path(kind, namespace, name))
        except ApiError as error:
            if error.code != 404:
                raise

    def wait(
        self,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        until: Callable[[Object], object],
        timeout_s: float = 10.0,
        interval_s: float = 0.02,
    ) -> Object:
        """The object, as soon as ``until`` is truthy of it; one that is missing counts as ``{}``.

        Raises:
            TimeoutError: with the object's status as it last was.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            found = self.find(kind, name, namespace) or {}
            if until(found):
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{kind} {namespace or ''}/{name} did not get there in {timeout_s} s; it is: "
                    f"{json.dumps(found.get('status', found), indent=1)}"
                )
            time.sleep(interval_s)

    def watch(
        self, kind: str, namespace: str | None = None, *, timeout_s: float = 10.0, **query: str
    ) -> Iterator[tuple[str, Object]]:
        """Pairs of event type and object until ``timeout_s`` is over; on an own connection."""
        asked = {"watch": "1", "timeoutSeconds": str(max(1, round(timeout_s)))} | query
        connection = self._connect()
        try:
            path = f"{self.path(kind, namespace)}?{urlencode(asked)}"
            connection.request("GET", path, headers=self._headers())
            answer = connection.getresponse()
            if answer.status >= 400:
                raise ApiError(answer.status, _status_of(answer.read()))
            for line in answer:
                event = json.loads(line)
                yield event["type"], event["object"]
        finally:
            connection.close()

    def path(
        self, kind: str, namespace: str | None = None, name: str = "", subresource: str = ""
    ) -> str:
        """The URL path of an object, of a collection, or of a subresource."""
        path = self._index.resource(kind).path(namespace, name)
        return f"{path}/{subresource}" if subresource else path

    # HTTP

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
    ) -> Object:
        """The server's answer as JSON; ``{"text": …}`` when it is not JSON.

        Raises:
            ApiError: the answer is a 4xx or 5xx.
        """
        target = f"{quote(path, safe='/:~')}?{urlencode(query)}" if query else path
        payload = None if body is None else json.dumps(body).encode()
        headers = self._headers() | {"Content-Type": content_type, "Accept": accept}
        code, raw = self._send(method, target, payload, headers)
        if code >= 400:
            raise ApiError(code, _status_of(raw))
        try:
            answer = json.loads(raw)
        except ValueError:
            return {"text": raw.decode(errors="replace")}
        return answer if isinstance(answer, dict) else {"text": answer}

    def _send(
        self, method: str, target: str, payload: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        connection = getattr(self._local, "connection", None)
        reused = connection is not None
        if connection is None:
            connection = self._local.connection = self._connect()
            self._opened.append(connection)
        try:
            connection.request(method, target, payload, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (http.client.HTTPException, OSError):
            connection.close()
            self._local.connection = None
            # A kept connection that the server closed meanwhile says nothing about this request.
            if reused:
                return self._send(method, target, payload, headers)
            raise

    def _connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._host, self._port, context=self._tls, timeout=60)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", "User-Agent": "tokencheck-tools"}

    def _of(self, manifest: Object) -> tuple[Resource, str | None]:
        kind = f"{manifest['apiVersion']}/{manifest['kind']}"
        return self._index.resource(kind), manifest["metadata"].get("namespace")


def _status_of(raw: bytes) -> Object:
    try:
        status = json.loads(raw)
    except ValueError:
        return {"message": raw.decode(errors="replace")}
    return status if isinstance(status, dict) else {"message": str(status)}
