"""Logins at registries in docker configurations: the user's name beside the password."""

import base64
import binascii
from dataclasses import dataclass

from tokencheck.api.path import Path, parse_path, walk
from tokencheck.api.registry import registry_host
from tokencheck.core.tokens.formats import Steps, document_steps, encoded
from tokencheck.model.reveal import reveal
from tokencheck.model.sealed import Sealed

_PASSWORDS = ("auth", "password")
_MAX_NAME = 1024  # of a user, in bytes; registries let them be much shorter


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """How somebody logs in at a registry.

    Args:
        host: as `registry_host` spells it.
        pair: ``USER:PASSWORD``.
    """

    host: str
    pair: Sealed


def host_of(field: str) -> str:
    """Return the registry in whose entry the field is the password; "" for any other field.

    Source: docker config.json (auths.HOST.auth) and its older form .dockercfg (HOST.auth).
    """
    path = parse_path(field)
    if path is None or path[-1] not in _PASSWORDS:
        return ""
    match path:
        case ("auths", str(entry), _) | (str(entry), _):
            return registry_host(entry)
        case _:
            return ""


def pair_in(auth: str) -> tuple[bytes, bytes]:
    """Return the user's name and the password of base64 ``USER:PASSWORD``; both empty for none.

    Source: kubelet, decodeDockerConfigFieldAuth: it may go without padding, and encoding/base64 of
    Go passes over ends of lines, which the command base64 writes.
    """
    text = encoded(auth).translate(None, b"\r\n")
    padding = b"" if text.endswith(b"=") else b"=" * (-len(text) % 4)
    try:
        name, _, password = base64.b64decode(text + padding, validate=True).partition(b":")
    except binascii.Error:
        return b"", b""
    return name, password


def entry_steps(sealed: Sealed, field: str) -> Steps[Entry | None]:
    """Return the login whose password `field` is, a turn at a time; None where it is none.

    Tokens that are shown without a name (identitytoken, registrytoken) are none.

    Args:
        sealed: a whole Secret value.
        field: the path of a password, as `documents.select` takes it.
    """
    host, path = host_of(field), parse_path(field)
    if not host or path is None:
        return None
    entry = walk((yield from document_steps(reveal(sealed))), path[:-1])
    pair = _pair(entry, path) if isinstance(entry, dict) else b""
    return Entry(host=host, pair=Sealed(pair)) if pair else None


def _pair(entry: dict[str, object], path: Path) -> bytes:
    """Return both parts, or nothing when one is missing; docker pads a password with NUL."""
    name, password = pair_in(_text(entry.get("auth")))
    if path[-1] == "password":
        name, password = (encoded(_text(entry.get(part))) for part in ("username", "password"))
    password = password.strip(b"\0")
    whole = 0 < len(name) <= _MAX_NAME and b":" not in name and password
    return name + b":" + password if whole else b""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
