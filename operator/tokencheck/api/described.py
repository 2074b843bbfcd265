"""An API that an admin describes, because no vendor is meant: a request, and what answers mean."""

from dataclasses import dataclass

from tokencheck.api.fields import Fields
from tokencheck.api.path import parse_path

# What 429 and the 5xx mean is no admin's to say.
STATUSES = range(200, 500)
# Headers by which a request is framed, routed or signed in otherwise.
RESERVED = frozenset(
    {
        "connection",
        "content-length",
        "cookie",
        "expect",
        "host",
        "proxy-authorization",
        "te",
        "transfer-encoding",
        "upgrade",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """By what an answer is known: its status and a field of its JSON.

    Args:
        field: a path; the field has to be there, and not null.
        equals: what it has to hold; None: anything. Whole numbers, true and false as JSON has them.
    """

    statuses: tuple[int, ...]
    field: str
    equals: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One GET, and how its answers are read.

    Args:
        header, scheme: where the token stands.
        active, inactive: the answers that say yes and no; all others say nothing of the token.
        expiration_field: path of a time, RFC 3339 or seconds of Unix time, in a yes; "" for none.
        scopes_field: path of a list, or of a text with spaces or commas, in a yes; "" for none.
    """

    active: Sign
    inactive: Sign
    path: str = "/"
    header: str = "Authorization"
    scheme: str = "Bearer"
    expiration_field: str = ""
    scopes_field: str = ""


def parse_described(fields: Fields) -> Described:
    """Return the description; its faults are in `fields`."""
    header = fields.text("header") or "Authorization"
    if header.lower() in RESERVED:
        fields.fault("header", "must be a header of its own, such as Authorization or X-Api-Key")
    scheme = fields.values.get("scheme", "Bearer")
    return Described(
        active=_sign(fields.child("active")),
        inactive=_sign(fields.child("inactive"), certain=True),
        path=fields.text("path") or "/",
        header=header,
        scheme=scheme if isinstance(scheme, str) else "",
        expiration_field=_path(fields, "expirationField"),
        scopes_field=_path(fields, "scopesField"),
    )


def _sign(fields: Fields, *, certain: bool = False) -> Sign:
    """Return the sign; one that is `certain` says which value its field has."""
    found = fields.values.get("status")
    statuses = tuple(found) if isinstance(found, list) else ()
    usable = [isinstance(s, int) and s in STATUSES and s != 429 for s in statuses]
    if not statuses or not all(usable):
        fields.fault("status", "must list HTTP statuses from 200 to 499 without 429")
    equals = fields.required_text("equals") if certain else fields.text("equals")
    fields.required_text("field")
    return Sign(statuses=statuses, field=_path(fields, "field"), equals=equals)


def _path(fields: Fields, name: str) -> str:
    text = fields.text(name) or ""
    if text and parse_path(text) is None:
        fields.fault(name, "must be a path such as token.expires_at")
    return text
