"""Who vouches for a token.

The TokenProvider and the keys that the spec names, resolved to one `Trust`.
"""

from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from tokencheck.api.tokencheck import TokenSpec
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.core.questions.vendors.table import implied_by
from tokencheck.core.tokens.keys import parse_jwks
from tokencheck.gather.sources import Sources
from tokencheck.model.evidence import Absent, Denied, Failed, Unread
from tokencheck.model.keyset import KeySet
from tokencheck.model.trust import Trust, TrustState, rules_of

_CACHED_CHARS = 32 * 1024  # a key set has 1 to 5 KiB


@lru_cache(maxsize=256)
def _small_key_set(text: str) -> KeySet:
    return parse_jwks(text)


def _key_set(text: str) -> KeySet:
    """Whoever may edit a ConfigMap fills the cache: what it can hold must stay small."""
    return _small_key_set(text) if len(text) <= _CACHED_CHARS else parse_jwks(text)


async def trust_of(namespace: str, token: TokenSpec, sources: Sources, now: datetime) -> Trust:
    """Return who vouches for `token` of a check in `namespace`, with the keys at hand.

    A provider that does not exist, is invalid or does not allow the namespace is told in the same
    words, so that nobody learns from it which providers exist; so is one of which that cannot be
    known.
    """
    trust = Trust()
    if token.provider is not None:
        provider = sources.inventory.provider(token.provider)
        allowed = await usable(namespace, provider, sources)
        if not isinstance(allowed, bool):
            return open_trust(namespace, token.provider, allowed)
        if provider is None or not allowed:
            return Trust(
                state=TrustState.NOT_USABLE,
                provider=token.provider,
                detail=f"TokenProvider {token.provider} cannot be used from namespace {namespace}",
            )
        trust = await provided(provider, sources, now)
    if token.keys is not None and trust.state is TrustState.NONE:
        value = await sources.inventory.config_map_value(namespace, token.keys.name, token.keys.key)
        trust = _with_keys(
            trust, value, f'ConfigMap {namespace}/{token.keys.name} key "{token.keys.key}"'
        )
    return trust


def open_trust(namespace: str, provider: str, why: Denied | Failed) -> Trust:
    """Return that it is not known whether a provider serves the namespace."""
    detail = (
        f"whether namespace {namespace} may use the TokenProvider is not known, as its labels"
        " could not be read"
    )
    return Trust(state=_state_of(why), provider=provider, detail=detail)


async def usable(
    namespace: str, provider: TokenProvider | None, sources: Sources
) -> bool | Denied | Failed:
    """Return whether a provider exists, is valid and serves the namespace, or why that is open."""
    allowed = None if provider is None or provider.invalid else provider.allowed
    if allowed is not None and allowed.all:
        return True
    labels = await sources.inventory.namespace_labels(namespace)
    if isinstance(labels, Denied | Failed):
        return labels
    return allowed is not None and not isinstance(labels, Absent) and allowed.selects(labels)


async def provided(provider: TokenProvider, sources: Sources, now: datetime) -> Trust:
    """Return what a usable provider vouches for, its keys read."""
    jwt, trust = provider.jwt, rules_of(provider)
    if provider.vendor is not None:
        return replace(trust, implies=implied_by(provider))
    if jwt is None:
        return trust
    if jwt.remote is not None:
        return sources.keyring.trust(provider, trust, now)
    where = f"TokenProvider {provider.name}"
    if jwt.config_map is None:
        return _with_keys(trust, jwt.jwks or "", where)
    value = await sources.inventory.config_map_value(
        sources.own_namespace, jwt.config_map.name, jwt.config_map.key
    )
    return _with_keys(trust, value, where)


def _with_keys(trust: Trust, value: str | Unread, where: str) -> Trust:
    if isinstance(value, str):
        keys = _key_set(value)
        state = TrustState.USABLE if keys.keys else TrustState.KEYS_UNAVAILABLE
        detail = where if keys.keys else f"{where} holds no usable public key"
        return replace(trust, state=state, keys=keys, detail=detail)
    if isinstance(value, Absent):
        return replace(
            trust, state=TrustState.KEYS_UNAVAILABLE, detail=f"the keys of {where} do not exist"
        )
    detail = f"the keys of {where} could not be read"
    return replace(trust, state=_state_of(value), detail=detail)


def _state_of(why: Denied | Failed) -> TrustState:
    return TrustState.DENIED if isinstance(why, Denied) else TrustState.READ_FAILED
