"""What is asked of a provider over the network, and what may come back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tokencheck.api.urls import Url
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed

MAX_ANSWER_BYTES = 256 * 1024
DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where one provider may be asked, as its admin wrote it.

    Args:
        provider: name of the TokenProvider.
        places: ``host`` or ``host:port`` of every server that may be dialled.
        cidrs: private networks that the names may lead to.
        ca_bundle: PEM certificates that alone vouch for the servers; "" for the system's.
        tls13: whether TLS 1.2 is too old.
    """

    provider: str
    places: frozenset[str]
    cidrs: tuple[str, ...] = ()
    ca_bundle: str = ""
    tls13: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What is presented, and in which header; `scheme` stands before it (``Bearer``)."""

    value: Sealed
    header: str = "Authorization"
    scheme: str = "Bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who the operator is to a provider, in a header. Source: RFC 6749 section 2.3.1."""

    id: Sealed
    secret: Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user at a registry, in a header: ``USER:PASSWORD`` as one text. Source: RFC 7617."""

    pair: Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """Who the operator is, by a JWT of its own in the body. Source: RFC 7523 section 2.2."""

    value: Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The body of a POST request, fields in order; what is secret stays sealed until it is sent.

    Args:
        json: whether it is one JSON object; else it is urlencoded, as a browser's form is.
        lists: what stands beside the fields, in JSON alone.
    """

    fields: tuple[tuple[str, str | Sealed], ...]
    json: bool = False
    lists: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request: POST with a form, else GET.

    Args:
        accept: media types that make sense.
        wants: headers of the answer that are read, in lower case.
        deadline_s: seconds for everything: name, connection, TLS, answer.
        max_bytes: of the body.
    """

    destination: Destination
    url: Url
    accept: str = "application/json"
    credential: Credential | Client | Login | None = None
    form: Form | None = None
    wants: tuple[str, ...] = ()
    deadline_s: float = DEADLINE_S
    max_bytes: int = MAX_ANSWER_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer. Nothing of it is shown to anybody but what is made of it by a table of ours.

    Args:
        media_type: lower case, without parameters.
        retry_after_s: what the server asks for, at most one hour; None when it does not.
        max_age_s: for how long the server says that the answer holds; None when it does not.
        headers: those that were wanted, with names in lower case; one that came twice, or is no
            short ASCII text, is left out.
    """

    status: int
    media_type: str
    body: bytes = field(repr=False)  # that of a token server holds a token
    retry_after_s: float | None = None
    max_age_s: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReply:
    """No answer that could be taken.

    Args:
        reason: the class of the fault.
        detail: in words of ours; neither an address nor any text of the other side.
        crowded: it was not sent, for others wait to be sent there; no fault of the other side.
    """

    reason: Reason
    detail: str
    crowded: bool = False
