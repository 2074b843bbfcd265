"""The operator's ServiceAccount, with tokens that end when a test wants it."""

from __future__ import annotations

from itertools import count
from typing import Any

from controlplane import ControlPlane
from controlplane.launch import NAMESPACE, grant_operator

_NAME = "tokencheck"


class Account:
    """It has the rights that the chart gives it."""

    def __init__(self, plane: ControlPlane) -> None:
        self._api = plane.api()
        self._numbers = count(1)
        self._bound: dict[str, str] = {}
        grant_operator(plane)

    def token(self) -> str:
        """One of its own, bound to a Secret of its own."""
        meta = {"name": f"bound-{next(self._numbers)}", "namespace": NAMESPACE}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta}
        uid = self._api.apply(secret)["metadata"]["uid"]
        ref = {"apiVersion": "v1", "kind": "Secret", "name": meta["name"], "uid": uid}
        spec: dict[str, Any] = {"expirationSeconds": 3600, "boundObjectRef": ref}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = self._api.path("ServiceAccount", NAMESPACE, _NAME, "token")
        token = str(self._api.request("POST", path, body)["status"]["token"])
        self._bound[token] = meta["name"]
        return token

    def end(self, token: str) -> None:
        """The API server takes the token no more, after some ten seconds."""
        self._api.delete("Secret", self._bound.pop(token), NAMESPACE)

    def close(self) -> None:
        """None of its tokens lives."""
        for token in list(self._bound):
            self.end(token)
