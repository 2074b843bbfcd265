"""What is secret in a form or a Basic header, opened at the last moment.

Both encode whatever the bytes are, so that nothing in a Secret can end a field or a header.
"""

import base64
from urllib.parse import quote_plus

from tokencheck.model.asking import Client, Form
from tokencheck.model.reveal import reveal
from tokencheck.model.sealed import Sealed


def body_of(form: Form) -> bytes:
    """Return the form as ``application/x-www-form-urlencoded``.

    Source: WHATWG URL, "urlencoded serializing".
    """
    pairs = (f"{quote_plus(name)}={_encoded(value)}" for name, value in form.fields)
    return "&".join(pairs).encode("ascii")


def basic_of(client: Client) -> bytes:
    """Return the value of the Authorization header of a client.

    Each part is form-encoded before they are joined: an id may hold a colon. Source: RFC 6749
    section 2.3.1.
    """
    pair = f"{_encoded(client.id)}:{_encoded(client.secret)}"
    return b"Basic " + base64.b64encode(pair.encode("ascii"))


def _encoded(value: str | Sealed) -> str:
    return quote_plus(reveal(value) if isinstance(value, Sealed) else value)
