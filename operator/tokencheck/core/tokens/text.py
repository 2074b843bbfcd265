"""What is wrong with a token's text before anybody asks what kind it is."""

import base64
import binascii
import re

from tokencheck.core.tokens.kinds import SERVICE_ACCOUNT_KEY
from tokencheck.core.tokens.recognise import kind_of, undressed
from tokencheck.core.tokens.strict import malformed
from tokencheck.model.facts import Family, Problem
from tokencheck.model.reasons import Reason

# The kubelet's tokens have 1 to 2 KiB, those of identity providers with long group lists up to 8
# KiB. More would cost time and memory before the signature says that nobody vouches.
MAX_BYTES = 16 * 1024

ONLY_THE_TOKEN = "Store the token alone, without anything before or after it"
NO_NEWLINE = "Make the Secret again without it: printf %s TOKEN (or echo -n) writes no line break"

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")


def white_space(text: bytes, trimmed: bytes) -> tuple[Problem, ...]:
    """Return a warning when white space was trimmed; the checks go on with the trimmed text."""
    if len(text) == len(trimmed):
        return ()
    where = [
        name
        for name, there in (("before", text[:1].isspace()), ("after", text[-1:].isspace()))
        if there
    ]
    return (
        Problem(
            reason=Reason.TRAILING_WHITESPACE,
            detail=f"white space {' and '.join(where)} the token",
            action=NO_NEWLINE,
            fatal=False,
        ),
    )


def text_fault(trimmed: bytes) -> Problem | None:
    """Return why no client could send this text as a token; None when one could.

    Source: RFC 9110 section 5.5: a header field holds no control characters; clients refuse them
    with an error that shows the whole token.
    """
    if not trimmed:
        return Problem(
            reason=Reason.TOKEN_MISSING,
            detail="the value is empty",
            action="Store a token in it, or find out why its source wrote nothing",
        )
    if len(trimmed) > MAX_BYTES:
        return malformed("the value is larger than 16 KiB", ONLY_THE_TOKEN)
    if trimmed.startswith(b"{") and kind_of(trimmed)[0] == SERVICE_ACCOUNT_KEY:
        return None  # the one credential that is a document of several lines
    return _document_fault(trimmed) or _character_fault(trimmed) or _dress_fault(trimmed)


def _document_fault(trimmed: bytes) -> Problem | None:
    if trimmed.startswith(b"-----BEGIN"):
        return malformed("a PEM block instead of a token", "Name the key that holds the token")
    if trimmed.startswith((b"{", b"[")):
        return malformed(
            "a document instead of a token", "Name the value inside it with field, such as a.b"
        )
    return None


def _character_fault(trimmed: bytes) -> Problem | None:
    if trimmed.startswith(_BYTE_ORDER_MARKS):
        return malformed(
            "a byte order mark before the token", "Save the file as UTF-8 without byte order mark"
        )
    if not trimmed.isascii():
        return malformed("non-ASCII text in the token")
    control = _CONTROL.search(trimmed)
    if control is None:
        return None
    if control[0] in b"\r\n":
        return malformed("a line break inside the token", "Store the token as one line")
    return malformed("a control character inside the token")


def _dress_fault(trimmed: bytes) -> Problem | None:
    if undressed(trimmed) == trimmed:
        return None
    what = "quotation marks around" if trimmed[:1] in (b'"', b"'") else "the word Bearer before"
    return malformed(f"{what} the token", ONLY_THE_TOKEN)


def encoded_twice(trimmed: bytes) -> tuple[Problem, ...]:
    """Return a warning when opaque text is base64 of a token: a Secret adds its own layer."""
    if not _BASE64.fullmatch(trimmed):
        return ()
    try:
        inner = base64.b64decode(trimmed, validate=True).strip()
    except binascii.Error:
        return ()
    if kind_of(inner)[1] is Family.OPAQUE:
        return ()
    return (
        Problem(
            reason=Reason.MALFORMED_TOKEN,
            detail="the token is encoded in base64 twice",
            action="Put the token itself into stringData, or its base64 once into data",
            fatal=False,
        ),
    )
