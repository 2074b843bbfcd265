"""What of a Secret's value nobody may show: what is random in it, and in the claims of a JWT."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from canary import WINDOW, Secret

JWT = re.compile(r"ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{16,}")
_RUN = re.compile(r"[A-Za-z0-9+/_.~-]{16,}")
_HEX = re.compile(r"[0-9a-f.-]*|[0-9-]*")
# Statuses show these on purpose. Source: docs/threat-model.md, "What is left".
_SHOWN = {"iss", "aud", "exp", "nbf", "iat", "scope", "scp", "scopes", "kubernetes.io"}
_ACCOUNT = "system:serviceaccount:"  # its name is in many lawful places
_PUBLIC = re.compile(r"-----BEGIN (?:CERTIFICATE|PUBLIC KEY)-----")
_LONGEST = 64  # of a longer piece both ends are searched for


def secrets_in(name: str, value: str) -> list[Secret]:
    """The pieces of a value by which any part of it is known again; none of public texts.

    Args:
        name: how hits call it.
        value: of one key of a Secret.
    """
    if _PUBLIC.search(value):
        return []
    found = [Secret(f"{name}: {part}", piece, whole)
             for part, text, whole in _texts(value) for piece in rare_in(text)]  # fmt: skip
    return list(dict.fromkeys(found))


def rare_in(text: str) -> Iterator[str]:
    """The parts of a text that no word, number or lawful digest can be taken for.

    Eight characters count when they have a digit and a letter beyond hexadecimal ones, or letters
    of both cases.
    """
    start, end = 0, 0
    for at in range(len(text) - WINDOW + 1):
        if not _rare(text[at : at + WINDOW]):
            continue
        if at + WINDOW > end + 1 and end:
            yield from _ends(text[start:end])
            start = at
        elif not end:
            start = at
        end = at + WINDOW
    if end:
        yield from _ends(text[start:end])


def _rare(window: str) -> bool:
    if _HEX.fullmatch(window):
        return False
    digit = any(char.isdigit() for char in window)
    return digit or (window.lower() != window and window.upper() != window)


def _ends(piece: str) -> Iterator[str]:
    if len(piece) <= _LONGEST:
        yield piece
    else:
        yield from (piece[: _LONGEST // 2], piece[-_LONGEST // 2 :])


def _texts(value: str) -> Iterator[tuple[str, str, str]]:
    """Part, text and the token around it."""
    for token in JWT.findall(value):
        yield "signature", token.rpartition(".")[2], token
        for claim, text in _claims(token):
            yield claim, text, token
    for leaf in _leaves(_document(JWT.sub(" ", value))):
        for run in _RUN.findall(leaf) if "://" not in leaf else ():
            yield "text", run, leaf


def _claims(token: str) -> Iterator[tuple[str, str]]:
    payload = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return
    for claim, value in claims.items() if isinstance(claims, dict) else ():
        if claim.partition("/")[0] in _SHOWN:  # kubernetes.io/serviceaccount/namespace
            continue
        for leaf in _leaves(value):
            if not leaf.startswith(_ACCOUNT) and "://" not in leaf:
                yield claim, leaf


def _document(value: str) -> Any:
    try:
        found = yaml.safe_load(value) if len(value) < 100_000 else value
    except (yaml.YAMLError, ValueError):
        return value
    return found if isinstance(found, dict | list) else value


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, str):
        yield value
