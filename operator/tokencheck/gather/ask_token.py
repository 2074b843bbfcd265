"""Asking one provider about one token, once."""

from tokencheck.api.introspection import CLIENT_ID, CLIENT_SECRET
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.core.questions.introspection import active_of, question, refusal_of
from tokencheck.core.questions.replies import Faulted, fault_of
from tokencheck.core.tokens.claims import claims_of
from tokencheck.core.tokens.presented import presented
from tokencheck.core.tokens.strict import strict_json
from tokencheck.model.activity import Answer
from tokencheck.model.asking import Client, Destination, NoReply, Reply
from tokencheck.model.evidence import Absent, Denied, Failed, SecretContent, Unread
from tokencheck.model.facts import Problem
from tokencheck.model.ports import Asker
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed

SCOPE_CLAIMS = ("scope",)  # RFC 7662 section 2.2
_THE_SECRET = "the Secret of introspection.clientCredentialsRef"


async def ask_token(
    provider: TokenProvider, content: SecretContent | Unread, token: Sealed, asker: Asker
) -> Answer | Faulted:
    """Return whether the provider accepts the token, or why that is not known.

    Args:
        content: the Secret with the client's credentials, as it was read for this question.
        token: without white space around it.
    """
    if provider.introspection is None:
        return Faulted(reason=Reason.NOT_ASKED, detail="the provider has no introspection")
    client = client_of(content)
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


def client_of(content: SecretContent | Unread) -> Client | Faulted:
    """Return the operator's own credentials, or why there are none; nothing is asked then."""
    match content:
        case SecretContent(values=values):
            found = [values.get(key) for key in (CLIENT_ID, CLIENT_SECRET)]
            client_id, secret = (presented(one) if one else None for one in found)
            if client_id and secret:
                return Client(id=client_id, secret=secret)
            detail = f"{_THE_SECRET} lacks {CLIENT_ID} or {CLIENT_SECRET}, or holds no text there"
            return Faulted(reason=Reason.SECRET_KEY_NOT_FOUND, detail=detail)
        case Absent():
            detail = f"{_THE_SECRET} does not exist in the operator's namespace"
            return Faulted(reason=Reason.SECRET_NOT_FOUND, detail=detail)
        case Denied():
            detail = (
                f"the operator may not read {_THE_SECRET}: see providers.credentials of the chart"
            )
            return Faulted(reason=Reason.ACCESS_DENIED, detail=detail)
        case Failed():  # pragma: no branch - mypy proves it the last
            detail = f"{_THE_SECRET} could not be read"
            return Faulted(reason=Reason.READ_FAILED, detail=detail)


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
