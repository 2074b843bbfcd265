"""What is secret in a form or a Basic header, opened at the last moment.

Both encode whatever the bytes are, so that nothing in a Secret can end a field or a header; JSON,
which holds text alone, refuses what is none.
"""

import base64
import json
from urllib.parse import quote_plus

from tokencheck.clients.egress.refused import Refused
from tokencheck.model.asking import Client, Form, Login
from tokencheck.model.reasons import Reason
from tokencheck.model.reveal import reveal
from tokencheck.model.sealed import Sealed


def body_of(form: Form) -> bytes:
    """Return the form as `media_type_of` calls it.

    Source: WHATWG URL, "urlencoded serializing"; RFC 8259.

    Raises:
        Refused: bytes that are no text cannot stand in JSON.
    """
    if form.json:
        texts = {name: _text(value) for name, value in form.fields}
        return json.dumps(texts | dict(form.lists)).encode("ascii")
    pairs = (f"{quote_plus(name)}={_encoded(value)}" for name, value in form.fields)
    return "&".join(pairs).encode("ascii")


def media_type_of(form: Form) -> bytes:
    """Return the media type of the body."""
    return b"application/json" if form.json else b"application/x-www-form-urlencoded"


def basic_of(client: Client) -> bytes:
    """Return the value of the Authorization header of a client.

    Each part is form-encoded before they are joined: an id may hold a colon. Source: RFC 6749
    section 2.3.1.
    """
    pair = f"{_encoded(client.id)}:{_encoded(client.secret)}"
    return b"Basic " + base64.b64encode(pair.encode("ascii"))


def login_of(login: Login) -> bytes:
    """Return the value of the Authorization header of a user, whose bytes stand there as they are.

    Source: RFC 7617 section 2.
    """
    return b"Basic " + base64.b64encode(reveal(login.pair))


def _encoded(value: str | Sealed) -> str:
    return quote_plus(reveal(value) if isinstance(value, Sealed) else value)


def _text(value: str | Sealed) -> str:
    if isinstance(value, str):
        return value
    try:
        return reveal(value).decode("utf-8")
    except UnicodeDecodeError:
        pass  # it names bytes of the token, so nothing is raised from it
    raise Refused(Reason.MALFORMED_TOKEN, "the token cannot stand in JSON")
