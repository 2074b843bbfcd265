"""The tokens inside a Secret's value: the one that a path names, or all that look like one."""

import re
from collections.abc import Iterator
from itertools import islice

from tokencheck.api.path import MAX_STEPS, MISSING, Path, parse_path, path_text, walk
from tokencheck.core.tokens.candidates import looks_like_token
from tokencheck.core.tokens.formats import (
    MAX_BYTES,
    TURN,
    Document,
    Steps,
    document_steps,
    encoded,
    finished,
    yaml_bytes,
)
from tokencheck.core.tokens.logins import host_of, pair_in
from tokencheck.core.tokens.recognise import kind_of
from tokencheck.core.tokens.strict import malformed
from tokencheck.model.facts import Family, Problem
from tokencheck.model.reasons import Reason
from tokencheck.model.reveal import reveal
from tokencheck.model.sealed import Sealed

WHOLE_VALUE = ""
MAX_FOUND = 100  # a kubeconfig of a large company names 60 clusters
MAX_LEAVES = 20_000

# Of the names that make a token of an opaque text (see `recognise`), and registry credentials.
_SAYS = re.compile(rb"token|api.?key|access.?key|credential|bearer|pat|auth", re.IGNORECASE)
_WORDS = re.compile(rb"[^\s\"',;=<>()\[\]{}]{16,}")

_BAD_AUTH = "auth is not base64 of USER:TOKEN"
_AUTH_REPAIR = "Make the Secret again with kubectl create secret docker-registry"
_PATH_REPAIR = (
    'Write names with dots, ["any name"] and [0], such as auths["registry.example.com"].auth'
)


def select(sealed: Sealed, field: str) -> Sealed | Problem | None:
    """Return the text that `field` names inside the document that `sealed` holds.

    On ``auths["HOST"].auth`` of a docker configuration that is the password part, which is the
    token.

    Args:
        sealed: a whole Secret value.
        field: a path, see `path`.

    Returns:
        None when the document lacks the field; a Problem when the path or the document is broken,
        the value is no document, or the field holds no text.
    """
    return finished(select_steps(sealed, field))


def select_steps(sealed: Sealed, field: str) -> Steps[Sealed | Problem | None]:
    """Do what `select` does, a turn at a time."""
    path = parse_path(field)
    if path is None:
        return Problem(
            reason=Reason.INVALID_SPEC, detail="field is not a path", action=_PATH_REPAIR
        )
    document = yield from document_steps(reveal(sealed))
    if isinstance(document, Problem):
        return document
    if document is None:
        return malformed(
            "the value is no document, so it has no fields", "Take field out of the spec"
        )
    value = walk(document, path)
    if value is MISSING:
        return None
    if not isinstance(value, str):
        return malformed("the field holds no text", "Name the field that holds the token itself")
    if not _is_docker_auth(path):
        return Sealed(encoded(value))
    password = _password(value)
    return Sealed(encoded(password)) if password else malformed(_BAD_AUTH, _AUTH_REPAIR)


def tokens_in(name: str, sealed: Sealed) -> tuple[tuple[str, Sealed], ...]:
    """Return every token that a Secret value holds, with the path by which `select` finds it.

    The path is "" when the value itself is the token. A broken document holds none; the same text
    is listed once, of a docker configuration once for each registry.

    Args:
        name: the key in the Secret, or the variable; it decides whether opaque text is a token.
        sealed: the value, of any size and content.
    """
    return finished(token_steps(name, sealed))


def token_steps(name: str, sealed: Sealed) -> Steps[tuple[tuple[str, Sealed], ...]]:
    """Do what `tokens_in` does, a turn at a time."""
    text = reveal(sealed)
    if len(text) > MAX_BYTES:
        return ()
    if kind_of(text.strip())[1] is not Family.OPAQUE:
        return ((WHOLE_VALUE, sealed),)
    document = yield from document_steps(text)
    if isinstance(document, Problem):
        return ()
    if document is None:
        return ((WHOLE_VALUE, sealed),) if looks_like_token(name, text) else ()
    return (yield from _found_in(document, name))


def _found_in(document: Document, name: str) -> Steps[tuple[tuple[str, Sealed], ...]]:
    found: dict[tuple[str, bytes], str] = {}
    for count, (path, value) in enumerate(islice(_leaves(document, ()), MAX_LEAVES), 1):
        token = _token_at(path, value, name)
        if token is not None:
            field = path_text(path)
            registry = host_of(field) if path[0] == "auths" else ""
            found.setdefault((registry, token), field)
        if len(found) == MAX_FOUND:
            break
        if count % TURN == 0:
            yield
    return tuple((field, Sealed(token)) for (_, token), field in found.items())


def may_hold_token(sealed: Sealed) -> bool:
    """Return False when it can be told at a glance that `tokens_in` would find none.

    A document that neither names a token nor holds a word of a token's form has none. Most
    documents are of that sort, and to read YAML takes a hundred times longer than to look at it.
    """
    text = reveal(sealed)
    return _SAYS.search(text) is not None or any(
        kind_of(word)[1] is not Family.OPAQUE for word in _WORDS.findall(text)
    )


def reading_cost(sealed: Sealed) -> int:
    """Return the bytes of YAML that `tokens_in` would read, which holds up everybody; mostly 0."""
    text = reveal(sealed)
    return 0 if kind_of(text.strip())[1] is not Family.OPAQUE else yaml_bytes(text)


def _token_at(path: Path, value: str, name: str) -> bytes | None:
    """Return the token that stands there; registry credentials are tokens whatever their form."""
    if _is_docker_auth(path) and (password := _password(value)):
        return encoded(password)
    text = encoded(value)
    return text if looks_like_token(_name_of(path, name), text) else None


def _leaves(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list) and len(path) < MAX_STEPS:
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(inner, (*path, step))


def _name_of(path: Path, name: str) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), name)


def _is_docker_auth(path: Path) -> bool:
    """Source: docker config.json (auths.HOST.auth) and its older form .dockercfg (HOST.auth)."""
    return path[-1] == "auth" and (len(path) == 2 or (len(path) == 3 and path[0] == "auths"))


def _password(auth: str) -> str:
    """Return what stands behind the first colon of base64 ``USER:TOKEN``, else ""."""
    name, password = pair_in(auth)
    try:
        name.decode("utf-8")
        return password.decode("utf-8").strip("\x00")
    except UnicodeDecodeError:
        return ""
