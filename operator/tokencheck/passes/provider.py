"""One pass over one TokenProvider: ask it when it is time to, and say how it stands."""

from collections.abc import Iterator
from datetime import datetime

from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.core.outcome.patch import merge_patch
from tokencheck.core.outcome.provider import plan_provider
from tokencheck.gather.sources import Sources
from tokencheck.gather.trust import provided
from tokencheck.model.change import Cause
from tokencheck.model.keys import Key
from tokencheck.model.ports import EventSink, StatusSink, WriteResult
from tokencheck.model.trust import TrustState
from tokencheck.model.work import Next, Work


async def provider_pass(
    work: Work, now: datetime, *, sources: Sources, status: StatusSink, events: EventSink
) -> Next:
    """Say in the provider's status whether checks can use it, and with which keys.

    The answer to a question comes later, and makes the provider due again.
    """
    key = work.key
    provider = sources.inventory.provider(key.name)
    if provider is None:
        sources.interest.unfollow(key)
        sources.keyring.forget(key.name)
        sources.liveness.forget(key.name)
        return Next()
    sources.interest.follow(key, frozenset(_followed(provider, sources)))
    moments = (
        sources.keyring.tend(provider, now),
        await sources.liveness.tend(provider, now, changed=Cause.SECRET_CHANGED in work.causes),
    )
    wake_at = min((at for at in moments if at is not None), default=None)
    trust = await provided(provider, sources, now)
    outcome = plan_provider(
        provider,
        trust,
        now,
        checks=sources.interest.followers(key),
        standing=sources.liveness.standing(key.name),
    )
    unread = trust.state is TrustState.READ_FAILED
    retry = unread or trust.state is TrustState.DENIED
    waits = trust.state is TrustState.PENDING and provider.status.get("observedGeneration", -1) >= 0
    if waits or outcome.status == dict(provider.status):
        return Next(wake_at=wake_at, retry=retry, unread=unread)
    result, _ = await status.write(
        key,
        uid=provider.uid,
        resource_version=provider.resource_version,
        status=merge_patch(provider.status, outcome.status),
    )
    if result is WriteResult.WRITTEN:
        for event in outcome.events:
            events.emit(event)
    again = (WriteResult.CONFLICT, WriteResult.FAILED, WriteResult.REFUSED)
    return Next(wake_at=wake_at, retry=retry or result in again, unread=unread)


def _followed(provider: TokenProvider, sources: Sources) -> Iterator[Key]:
    """Yield what of the operator's own namespace the provider rests on, as far as it is watched."""
    keys = provider.jwt.config_map if provider.jwt else None
    if keys is not None:
        yield Key("ConfigMap", sources.own_namespace, keys.name)
    if provider.credentials is not None and sources.watched(provider.credentials):
        yield Key("Secret", sources.own_namespace, provider.credentials)
