"""Tokens of every kind, each with secrets of its own in all parts that nobody may show."""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

import jwt
import yaml

from canary import Secret
from cluster.shop import AUDIENCE, ISSUER, SCOPES, Signer

# The length of a token that no parser is asked to read: the cap is 16 KiB.
LONG = 20_000


@dataclass(frozen=True)
class Planted:
    """A Secret's data, and what of it is secret.

    Args:
        listed: expectations of the TokenCheck, on top of its source.
        field: where the token is in a document.
    """

    name: str
    text: str
    secrets: tuple[Secret, ...]
    listed: dict[str, Any]
    field: str = ""


def rare(length: int = 24) -> str:
    """Random text of the characters that tokens are made of."""
    return secrets.token_urlsafe(length)[:length]


def planted(signer: Signer, provider: str) -> list[Planted]:
    """One of each kind; the provider trusts the signer."""
    usual = {"providerRef": {"name": provider}, "audiences": [AUDIENCE]}
    scoped = usual | {"scopes": {"required": SCOPES}, "subject": f"nobody-{rare(4)}"}
    now = int(time.time())
    return [
        _jwt("good", signer, usual),
        _jwt("subject", signer, scoped),
        _jwt("expired", signer, usual, iat=now - 7200, exp=now - 3600),
        _jwt("stranger", Signer(), usual),
        _jwt("narrow", signer, scoped, scope="payments:read"),
        _jwt("key-id", Signer(kid=f"kid-{rare()}"), usual),
        _jwt("claims", signer, usual, exp=rare(), aud={"name": rare()}, nbf=rare()),
        _unparsable(usual),
        _opaque("opaque", rare(40), {}),
        _opaque("asked", rare(40), usual),
        _opaque("vendor", rare(36), {}, before="ghp_"),
        _opaque("newline", rare(40), usual, after="\n"),
        _opaque("broken", rare(20) + "\n" + rare(20), usual),
        _opaque("beyond-ascii", f"{rare(12)}ß\u200b{rare(12)}", usual),
        _opaque("long", rare(LONG), usual),
        _opaque("cut-off", rare(40), usual, before="eyJhbGciOiJFUzI1NiJ9."),
        *_documents(usual),
    ]


def _jwt(name: str, signer: Signer, listed: dict[str, Any], **changed: Any) -> Planted:
    """A token with secrets in its key id, its private claims and its signature."""
    hidden = {"sub": f"sub-{rare()}", "email": f"{rare()}@example.com", "jti": rare()}
    nested = {"realm_access": {"note": rare()}, rare(): True}
    text = signer.token(**(hidden | nested | changed))
    signature = text.rpartition(".")[2]
    # The kid of the signer itself is public: it is the provider's.
    kid = jwt.get_unverified_header(text)["kid"]
    # The payload is searched for by what is random in it: its base64 has common parts.
    parts = {"signature": signature}
    # What stands before an @ is random, what stands behind it is in many texts.
    parts |= {claim: value.partition("@")[0] for claim, value in hidden.items()}
    parts |= {"claim name": list(nested)[1], "nested": nested["realm_access"]["note"]}
    parts |= {"kid": kid} if kid != "shop-1" else {}
    parts |= {claim: _leaf(value) for claim, value in changed.items() if name == "claims"}
    found = tuple(Secret(f"{name}: {part}", hide, text) for part, hide in parts.items())
    return Planted(name, text, found, listed)


def _leaf(value: Any) -> str:
    while not isinstance(value, str):
        value = next(iter(value.values() if isinstance(value, dict) else value))
    return value


def _unparsable(listed: dict[str, Any]) -> Planted:
    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    hidden, signature = rare(), rare(86)
    header = part('{"alg":"ES256","kid":"shop-1","typ":"JWT"}')
    payload = part(f'{{"iss":"{ISSUER}","sub":"{hidden}","exp":')
    text = f"{header}.{payload}.{signature}"
    found = tuple(
        Secret(f"unparsable: {name}", hide, text)
        for name, hide in (("claim", hidden), ("signature", signature))
    )
    return Planted("unparsable", text, found, listed)


def _opaque(
    name: str, hidden: str, listed: dict[str, Any], *, before: str = "", after: str = ""
) -> Planted:
    text = before + hidden + after
    # A long one is searched for by its ends and a part of its middle.
    pieces = [hidden] if len(hidden) < LONG else [hidden[:64], hidden[9000:9064], hidden[-64:]]
    found = tuple(Secret(name, line, text) for piece in pieces for line in piece.splitlines())
    return Planted(name, text, found, listed)


def _documents(listed: dict[str, Any]) -> list[Planted]:
    user, password, first, second = rare(), rare(), rare(40), rare(40)
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    docker = {"auths": {"registry.example.com": {"auth": basic, "identitytoken": first}}}
    config = {"kind": "Config", "users": [{"name": "u", "user": {"token": second}}]}
    dotenv, broken = rare(40), rare(40)
    return [
        Planted(
            "docker",
            json.dumps(docker),
            (Secret("docker: password", password), Secret("docker: identity", first)),
            listed,
            'auths["registry.example.com"].auth',
        ),
        Planted(
            "kubeconfig",
            yaml.safe_dump(config),
            (Secret("kubeconfig", second),),
            listed,
            "users[0].user.token",
        ),
        Planted(
            "dotenv",
            f"NAME=shop\nAPI_TOKEN={dotenv}\n",
            (Secret("dotenv", dotenv),),
            listed,
            "API_TOKEN",
        ),
        Planted(
            "broken-json",
            f'{{"token": "{broken}",,',
            (Secret("broken JSON", broken),),
            listed,
            "token",
        ),
    ]
