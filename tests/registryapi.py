"""Token servers of registries, each as it answers: to nobody, to a wrong login, to a good one."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tlsserver import FAILING, Asked, Said, TlsServer

HOST = "registry.example.com"
SERVICE = "registry of tests"
REPOSITORY = "team/app"
SCOPE = f"repository:{REPOSITORY}:pull,push"
STYLES = ("Docker Hub", "GitLab", "Harbor", "Quay")
NOBODY = {"Quay": "(anonymous)"}  # whom a token is for that nobody asked for
PASSWORD = "canaryLogin0123456789abcdefghijklm"
USER = "canary-robot-of-the-team"
_UNAUTHORIZED = {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}
_DENIED = {"errors": [{"code": "DENIED", "message": "access forbidden"}]}


class RegistryApi(TlsServer):
    """One of `STYLES`.

    `users` are passwords by name, `grants` what each may do in `REPOSITORY`, "" stands for nobody.
    `asked` are who asked for which scope, `minted` the tokens that were given. `strips`: with which
    scopes a proxy before it takes logins away. `mode`: well, shut (everybody hears what a wrong
    login does), or one of `tlsserver.FAILING`.
    """

    def __init__(self, style: str = "Docker Hub") -> None:
        super().__init__("registry")
        self.style = style
        self.users: dict[str, str] = {}
        self.grants: dict[str, list[str]] = {}
        self.asked: list[tuple[str, str]] = []
        self.minted: list[str] = []
        self.strips: set[str] = set()
        self.mode = "well"

    def provider(self, name: str = "registry", host: str = HOST, **more: Any) -> dict[str, Any]:
        """A TokenProvider that asks here; ``scope`` and ``match`` as given."""
        registry = {"host": host, "service": SERVICE}
        if "scope" in more:
            registry["scope"] = more.pop("scope")
        url = f"https://{self.place}/service/token"
        return self.trusted(
            name, vendor={"type": "Registry", "url": url, "registry": registry}, **more
        )

    def beside(self, asked: Asked) -> Asked:
        """All but the login in question."""
        headers = {name: text for name, text in asked.headers.items() if name != "authorization"}
        return replace(asked, headers=headers)

    def answer(self, asked: Asked) -> Said | None:
        target = urlsplit(asked.path)
        query = parse_qs(target.query)
        assert (target.path, query.pop("service")) == ("/service/token", [SERVICE])
        (scope,) = query.pop("scope", [""])
        assert not query, "nothing else stands in an address, which servers log"
        name, password = _login(asked.headers.get("authorization", ""))
        self.asked.append((name, scope))
        if self.mode in FAILING:
            return FAILING[self.mode]
        if self.mode == "shut":
            return _json(_UNAUTHORIZED, "401 Unauthorized")
        if scope in self.strips:
            name = password = ""
        if not name:
            return self._to_nobody(scope)
        if self.users.get(name) != password:
            return self._to_a_wrong_login(scope)
        return self._token(name, scope)

    def _to_nobody(self, scope: str) -> Said:
        if self.style == "GitLab" and not self.grants.get(""):
            return _json(_DENIED, "403 Forbidden")
        if self.style in ("Harbor", "Quay") and not scope:
            return _json(_UNAUTHORIZED, "401 Unauthorized")
        return self._token("", scope)

    def _to_a_wrong_login(self, scope: str) -> Said:
        if self.style == "Harbor":
            return self._to_nobody(scope)
        if self.style == "Docker Hub":
            return _json({"details": "incorrect username or password"}, "401 Unauthorized")
        return _json(_UNAUTHORIZED, "401 Unauthorized")

    def _token(self, name: str, scope: str) -> Said:
        wanted = scope.rpartition(":")[2].split(",")
        granted = [one for one in wanted if one in self.grants.get(name, ())]
        access = [{"type": "repository", "name": REPOSITORY, "actions": granted}] if scope else []
        subject = name or NOBODY.get(self.style, "")
        token = token_of(
            {"sub": subject, "access": access, "jti": f"canaryMinted{len(self.minted)}"}
        )
        self.minted.append(token)
        return _json({"token": token, "expires_in": 300})


def entry(password: str = PASSWORD, user: str = USER, host: str = HOST) -> dict[str, Any]:
    """A docker configuration with one login, as kubectl writes it."""
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"auths": {host: {"username": user, "password": password, "auth": auth}}}


def token_of(claims: dict[str, Any]) -> str:
    """A JWT as token servers make them; nobody looks at its signature."""
    parts = ({"alg": "ES256", "typ": "JWT", "kid": "key"}, claims)
    texts = [_encoded(json.dumps(part).encode()) for part in parts]
    return ".".join([*texts, _encoded(b"signature")])


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _login(header: str) -> tuple[str, str]:
    if not header:
        return "", ""
    scheme, _, pair = header.partition(" ")
    assert scheme == "Basic"
    name, _, password = base64.b64decode(pair).decode().partition(":")
    return name, password


def _json(said: object, status: str = "200 OK") -> Said:
    return Said(status=status, body=json.dumps(said).encode())
