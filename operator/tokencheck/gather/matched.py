"""Tokens that nobody listed, of a TokenProvider that an admin has look for them."""

from dataclasses import replace

from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.api.vendor import VendorType
from tokencheck.core.tokens.documents import WHOLE_VALUE, select_steps
from tokencheck.core.tokens.logins import host_of
from tokencheck.core.tokens.read import read_token
from tokencheck.gather.held import Reading
from tokencheck.gather.lives import with_activity
from tokencheck.gather.registries import with_login
from tokencheck.gather.trust import open_trust, provided, usable
from tokencheck.gather.turns import in_turns
from tokencheck.model.activity import Activity, ActivityState
from tokencheck.model.evidence import Held, TokenEvidence
from tokencheck.model.facts import Facts
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import Trust, TrustState


async def matched(
    reading: Reading, token: TokenEvidence, value: Sealed, path: str
) -> TokenEvidence:
    """Return the evidence with the word of the provider that matches it, where there is one.

    Of several it is the first by name that serves the namespace; where that is not known of one,
    none behind it is looked at, and the token is unknown. A vendor, or the API server,
    is asked about its own tokens, a registry about its own logins; a JWT is verified by the keys of
    the issuer that it names, and sent nowhere.

    Args:
        value: of the Secret's key.
        path: where the token stands in it.
    """
    if not isinstance(token.holding, Held):
        return token
    namespace = reading.check.namespace
    for provider in _candidates(reading, token.holding.facts, host_of(path)):
        serves = await usable(namespace, provider, reading.sources)
        if not isinstance(serves, bool):
            return _open(token, provider, open_trust(namespace, provider.name, serves))
        if serves:
            text = value if path == WHOLE_VALUE else await in_turns(select_steps(value, path))
            if not isinstance(text, Sealed):
                return token
            told = replace(token, trust=await provided(provider, reading.sources, reading.now))
            told, text = await with_login(told, text, value, path, reading.sources)
            if not told.trust.registry or told.registry:
                return _told(reading, told, text, provider)
            # A password without a user's name is no login; it may be somebody else's token.
    return token


def _candidates(reading: Reading, facts: Facts, host: str) -> tuple[TokenProvider, ...]:
    inventory = reading.sources.inventory
    issuer = facts.claims.issuer if facts.claims else None
    issuing = inventory.issuing(issuer) if issuer else ()
    logins = inventory.matching(VendorType.REGISTRY) if host else ()
    registry = (one for one in logins if one.vendor and one.vendor.names(host))
    found = (*inventory.matching(facts.kind), *issuing, *registry)
    return tuple(sorted(found, key=lambda one: one.name))


def _open(token: TokenEvidence, provider: TokenProvider, trust: Trust) -> TokenEvidence:
    if provider.vendor is None:
        return replace(token, trust=trust)
    denied = trust.state is TrustState.DENIED
    withheld = Activity(
        provider=provider.name,
        state=ActivityState.NOT_SENT,
        reason=Reason.ACCESS_DENIED if denied else Reason.READ_FAILED,
        detail=trust.detail,
    )
    return replace(token, trust=replace(trust, introspected=True), activity=withheld)


def _told(
    reading: Reading, token: TokenEvidence, text: Sealed, provider: TokenProvider
) -> TokenEvidence:
    if provider.vendor is not None:
        return with_activity(reading.check, token, text, reading.sources, reading.now)
    # Only a token that somebody lists is sent anywhere.
    trust = replace(token.trust, introspected=False)
    facts = read_token(text, trust, fingerprint_key=reading.sources.fingerprint_key)
    assert isinstance(token.holding, Held)  # noqa: S101 - the caller looked
    return replace(token, trust=trust, holding=replace(token.holding, facts=facts))
