"""One pass over one TokenProvider: are its keys usable?"""

from datetime import datetime

from tokencheck.core.outcome.patch import merge_patch
from tokencheck.core.outcome.provider import plan_provider
from tokencheck.gather.sources import Sources
from tokencheck.gather.trust import provided
from tokencheck.model.keys import Key
from tokencheck.model.ports import StatusSink, WriteResult
from tokencheck.model.trust import TrustState
from tokencheck.model.work import Next


async def provider_pass(key: Key, now: datetime, *, sources: Sources, status: StatusSink) -> Next:
    """Say in the provider's status whether checks can use it, and with which keys."""
    provider = sources.inventory.provider(key.name)
    if provider is None:
        sources.interest.unfollow(key)
        return Next()
    keys = provider.jwt.config_map if provider.jwt else None
    followed = {Key("ConfigMap", sources.own_namespace, keys.name)} if keys else ()
    sources.interest.follow(key, frozenset(followed))
    trust = await provided(provider, sources)
    new = plan_provider(provider, trust, now)
    retry = trust.state in (TrustState.DENIED, TrustState.READ_FAILED)
    if new == dict(provider.status):
        return Next(retry=retry)
    result, _ = await status.write(
        key,
        uid=provider.uid,
        resource_version=provider.resource_version,
        status=merge_patch(provider.status, new),
    )
    return Next(
        retry=retry or result in (WriteResult.CONFLICT, WriteResult.FAILED, WriteResult.REFUSED)
    )
