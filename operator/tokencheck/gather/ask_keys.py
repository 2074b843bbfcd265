"""Asking one provider for its keys, once."""

from tokencheck.api.keysource import places_of
from tokencheck.api.tokenprovider import JwtTrust, TokenProvider
from tokencheck.api.urls import Url
from tokencheck.core.questions.discovery import jwks_url_of
from tokencheck.core.questions.replies import Faulted, fault_of
from tokencheck.core.tokens.keys import parse_jwks
from tokencheck.core.tokens.strict import strict_json
from tokencheck.model.asking import Destination, Question, Reply
from tokencheck.model.facts import Problem
from tokencheck.model.keyset import KeySet
from tokencheck.model.ports import Asker
from tokencheck.model.reasons import Reason

# An API server answers 406 to who does not name the type of a key set (RFC 7517 section 8.5).
ACCEPT = "application/jwk-set+json, application/json"


async def ask_keys(provider: TokenProvider, asker: Asker) -> tuple[KeySet, float | None] | Faulted:
    """Return the keys and for how many seconds the server says that they hold, or the fault.

    A set without a usable key is a fault: an issuer that answers nonsense for a minute must not
    end every verdict.
    """
    jwt = provider.jwt
    if jwt is None or jwt.remote is None:
        return Faulted(reason=Reason.NOT_ASKED, detail="its keys are on no server")
    url = jwt.remote.url
    if jwt.remote.discovery:
        found = await _discovered(provider, jwt, asker)
        if isinstance(found, Faulted):
            return found
        url = found
    reply = await _document(provider, url, asker)
    if isinstance(reply, Faulted):
        return reply
    keys = parse_jwks(reply.body.decode("utf-8", "replace"))
    if not keys.keys:
        faults = "; ".join(keys.faults[:3])
        detail = f"the answer holds no usable public key: {faults}"
        return Faulted(reason=Reason.KEYS_UNAVAILABLE, detail=detail)
    return keys, reply.max_age_s


async def _discovered(provider: TokenProvider, jwt: JwtTrust, asker: Asker) -> Url | Faulted:
    assert jwt.remote is not None  # noqa: S101 - the caller looked
    reply = await _document(provider, jwt.remote.url, asker)
    if isinstance(reply, Faulted):
        return reply
    document = strict_json(reply.body, "the discovery document")
    if isinstance(document, Problem):
        return Faulted(reason=Reason.UNEXPECTED_ANSWER, detail=document.detail)
    return jwks_url_of(document, jwt.issuer or "", places_of(jwt.remote, provider.network))


async def _document(provider: TokenProvider, url: Url, asker: Asker) -> Reply | Faulted:
    assert provider.jwt is not None  # noqa: S101 - the caller looked
    assert provider.jwt.remote is not None  # noqa: S101 - the caller looked
    network = provider.network
    destination = Destination(
        provider=provider.name,
        places=places_of(provider.jwt.remote, network),
        cidrs=network.cidrs,
        ca_bundle=network.ca_bundle,
        tls13=network.tls13,
    )
    reply = await asker.ask(Question(destination=destination, url=url, accept=ACCEPT))
    fault = fault_of(reply)
    if fault is not None:
        return fault
    assert isinstance(reply, Reply)  # noqa: S101 - else there was a fault
    return reply
