"""One pass over one TokenProvider: ask it when it is time to, and say how it stands."""

from datetime import datetime

from tokencheck.core.outcome.patch import merge_patch
from tokencheck.core.outcome.provider import plan_provider
from tokencheck.gather.sources import Sources
from tokencheck.gather.trust import provided
from tokencheck.model.keys import Key
from tokencheck.model.ports import EventSink, StatusSink, WriteResult
from tokencheck.model.trust import TrustState
from tokencheck.model.work import Next


async def provider_pass(
    key: Key, now: datetime, *, sources: Sources, status: StatusSink, events: EventSink
) -> Next:
    """Say in the provider's status whether checks can use it, and with which keys.

    The answer to a question comes later, and makes the provider due again.
    """
    provider = sources.inventory.provider(key.name)
    if provider is None:
        sources.interest.unfollow(key)
        sources.keyring.forget(key.name)
        sources.liveness.forget(key.name)
        return Next()
    keys = provider.jwt.config_map if provider.jwt else None
    followed = {Key("ConfigMap", sources.own_namespace, keys.name)} if keys else ()
    sources.interest.follow(key, frozenset(followed))
    wake_at = sources.keyring.tend(provider, now)
    sources.liveness.tend(provider)
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
