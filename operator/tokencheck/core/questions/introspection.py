"""Asking a provider whether a token lives, and what its answer means. Pure. Source: RFC 7662.

Only a JSON boolean `active` in an HTTP 200 is an answer. Whatever else comes says nothing of the
token, so it neither convicts nor acquits: 401 is about the operator's own client, not about the
token.
"""

from tokencheck.api.introspection import Authentication, Introspection
from tokencheck.core.questions.replies import Faulted
from tokencheck.model.asking import Assertion, Client, Destination, Form, Question
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed

# Of a client that may not ask. Source: RFC 6749 section 5.2.
_NOT_THE_CLIENT = frozenset({"invalid_client", "unauthorized_client"})
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_BYTES = 64 * 1024  # an answer about one token, long group lists included


def question(
    introspection: Introspection,
    destination: Destination,
    client: Client | Assertion,
    token: Sealed,
) -> Question:
    """Return the request about `token`, which stands in its body and nowhere else.

    Source: RFC 7662 section 2.1; RFC 6749 section 2.3.1 and RFC 7523 section 2.2 (where stands who
    the client is).
    """
    fields: tuple[tuple[str, str | Sealed], ...] = (
        ("token", token),
        ("token_type_hint", "access_token"),
    )
    basic = introspection.authentication is Authentication.BASIC and isinstance(client, Client)
    if isinstance(client, Assertion):
        signed = ("client_assertion", client.value)
        fields = (*fields, ("client_assertion_type", ASSERTION_TYPE), signed)
    elif not basic:
        fields = (*fields, ("client_id", client.id), ("client_secret", client.secret))
    return Question(
        destination=destination,
        url=introspection.url,
        credential=client if basic and isinstance(client, Client) else None,
        form=Form(fields=fields),
        max_bytes=MAX_BYTES,
    )


def refusal_of(status: int, error: object) -> Faulted | None:
    """Return what a refusal means that is no fault of the server; None for any other answer.

    Args:
        status: of HTTP.
        error: the member `error` of its JSON, whatever that is. Source: RFC 6749 section 5.2.
    """
    told = error if isinstance(error, str) else ""
    if status in (401, 403) or (status == 400 and told in _NOT_THE_CLIENT):
        detail = (
            f"the server does not let the operator's client ask (HTTP {status}); correct the "
            "Secret of introspection.clientCredentialsRef, or allow the client to introspect"
        )
        return Faulted(reason=Reason.INTROSPECTION_UNAUTHORIZED, detail=detail)
    if status == 400 and told == "unsupported_token_type":
        detail = (
            "the server introspects no tokens of this type (HTTP 400); for a JWT name a"
            " TokenProvider without introspection, which looks at its signature alone"
        )
        return Faulted(reason=Reason.NOT_VERIFIABLE, detail=detail, of_token=True)
    if status == 400:
        detail = "the server does not understand the question (HTTP 400); is the address right?"
        return Faulted(reason=Reason.UNEXPECTED_ANSWER, detail=detail, of_token=True)
    return None


def active_of(document: object) -> bool | Faulted:
    """Return whether the token is active, as the answer has it.

    Source: RFC 7662 section 2.2: `active` is required, and a boolean.
    """
    active = document.get("active") if isinstance(document, dict) else None
    if isinstance(active, bool):
        return active
    detail = "the answer does not say whether the token is active (RFC 7662 wants true or false)"
    return Faulted(reason=Reason.UNEXPECTED_ANSWER, detail=detail)
