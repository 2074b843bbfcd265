"""Asking one provider about one token, once."""

import secrets
from datetime import datetime

from tokencheck.api.introspection import (
    CLIENT_ID,
    CLIENT_SECRET,
    KEY_ID,
    PRIVATE_KEY,
    Authentication,
    Introspection,
)
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.core.questions.introspection import active_of, question, refusal_of
from tokencheck.core.questions.replies import Faulted, fault_of
from tokencheck.core.tokens.assertion import assertion_of
from tokencheck.core.tokens.claims import claims_of
from tokencheck.core.tokens.presented import presented
from tokencheck.core.tokens.strict import strict_json
from tokencheck.gather.credentials import credentials_of
from tokencheck.model.activity import Answer
from tokencheck.model.asking import Assertion, Client, Destination, NoReply, Reply
from tokencheck.model.evidence import SecretContent, Unread
from tokencheck.model.facts import Problem
from tokencheck.model.ports import Asker
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed

SCOPE_CLAIMS = ("scope",)  # RFC 7662 section 2.2
_UNIQUE_BYTES = 24
_FIELD = "introspection.clientCredentialsRef"


async def ask_token(
    provider: TokenProvider,
    content: SecretContent | Unread,
    token: Sealed,
    asker: Asker,
    now: datetime,
) -> Answer | Faulted:
    """Return whether the provider accepts the token, or why that is not known.

    Args:
        content: the Secret with the client's credentials, as it was read for this question.
        token: without white space around it.
        now: aware UTC.
    """
    if provider.introspection is None:
        return Faulted(reason=Reason.NOT_ASKED, detail="the provider has no introspection")
    client = _client(provider, provider.introspection, content, now)
    if isinstance(client, Faulted):
        return client
    destination = destination_of(provider, provider.introspection.places)
    return interpret(await asker.ask(question(provider.introspection, destination, client, token)))


def destination_of(provider: TokenProvider, places: frozenset[str]) -> Destination:
    """Return where tokens of the provider may be sent: to these places alone."""
    network = provider.network
    return Destination(
        provider=provider.name,
        places=places,
        cidrs=network.cidrs,
        ca_bundle=network.ca_bundle,
        tls13=network.tls13,
    )


def _client(
    provider: TokenProvider,
    introspection: Introspection,
    content: SecretContent | Unread,
    now: datetime,
) -> Client | Assertion | Faulted:
    """Return what proves who the operator is, made for this one question."""
    if introspection.authentication is not Authentication.PRIVATE_KEY_JWT:
        return client_of(content)
    found = client_of(content, PRIVATE_KEY)
    if isinstance(found, Faulted):
        return found
    key_id = content.values.get(KEY_ID) if isinstance(content, SecretContent) else None
    issuer = provider.jwt.issuer if provider.jwt else None
    signed = assertion_of(
        found.id,
        found.secret,
        key_id=presented(key_id) if key_id else None,
        audience=introspection.audience or issuer or str(introspection.url),
        kind=introspection.assertion_type,
        now=now,
        unique=secrets.token_urlsafe(_UNIQUE_BYTES),
    )
    if signed is not None:
        return Assertion(value=signed)
    detail = (
        f"{PRIVATE_KEY} of the Secret of {_FIELD} is no private key in PEM without a password: RSA"
        " of 2048 bits or more, EC (P-256, P-384, P-521) or Ed25519"
    )
    return Faulted(reason=Reason.SECRET_KEY_NOT_FOUND, detail=detail)


def client_of(content: SecretContent | Unread, secret: str = CLIENT_SECRET) -> Client | Faulted:
    """Return the operator's own credentials, or why there are none; nothing is asked then.

    Args:
        secret: the key under which what proves them stands.
    """
    found = credentials_of(content, (CLIENT_ID, secret), _FIELD)
    return found if isinstance(found, Faulted) else Client(id=found[0], secret=found[1])


def interpret(reply: Reply | NoReply) -> Answer | Faulted:
    """Return what the server said of the token. Total, whatever came.

    Only HTTP 200 with one JSON object, read strictly, and a boolean `active` is an answer. Parts
    that are missing or of a wrong form are unknown, and take nothing from the rest.
    """
    document: object = None
    if isinstance(reply, Reply):
        document = strict_json(reply.body, "the answer")
        error = document.get("error") if isinstance(document, dict) else None
        refusal = refusal_of(reply.status, error)
        if refusal is not None:
            return refusal
    fault = fault_of(reply)
    if fault is not None:
        return fault
    if isinstance(document, Problem):
        return Faulted(reason=Reason.UNEXPECTED_ANSWER, detail=document.detail)
    active = active_of(document)
    if isinstance(active, Faulted):
        return active
    if not active or not isinstance(document, dict):
        return Answer(active=active)
    return Answer(active=True, claims=claims_of(document, SCOPE_CLAIMS))
