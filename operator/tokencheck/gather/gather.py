"""One pass's reading: Secrets, keys and Pods of one TokenCheck become one `Evidence`."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from tokencheck.api.tokencheck import ServiceAccountToken, TokenCheck, TokenSpec
from tokencheck.core.workloads.locate import Located
from tokencheck.gather.discover import discovered
from tokencheck.gather.held import Reading, listed
from tokencheck.gather.seen import Seen
from tokencheck.gather.sources import Sources
from tokencheck.gather.trust import trust_of
from tokencheck.model.evidence import (
    Evidence,
    Projected,
    SecretContent,
    TokenEvidence,
    Unread,
)
from tokencheck.model.workload import Site


async def gather(
    check: TokenCheck, workload: Seen, located: Located, sources: Sources, now: datetime
) -> Evidence:
    """Return everything that is to be judged about `check`.

    Args:
        check: with the stored status, from which baselines and change times are taken.
        workload: what was seen of the workload and its Pods.
        located: where its tokens are, from `core.workloads.locate`.
        now: aware UTC; when the pass began.
    """
    secrets = await _secrets(check.namespace, located, sources)
    # Providers and keys are at hand; one after the other costs less than tasks would.
    trusts = [await trust_of(check.namespace, spec, sources, now) for spec, _ in located.listed]
    reading = Reading(check=check, secrets=secrets, pods=workload.pods, sources=sources, now=now)
    tokens: list[TokenEvidence] = []
    for (spec, sites), trust in zip(located.listed, trusts, strict=True):
        tokens.append(await listed(reading, spec, sites, trust))
    found = await discovered(reading, located, workload.unread)
    tokens += found.tokens
    tokens += [_projected(check, site) for site in located.service_account_tokens]
    return Evidence(
        namespace=check.namespace,
        policy=check.spec.policy,
        tokens=tuple(tokens),
        unreadable=located.unreadable,
        unsearched=found.unsearched,
        searched=_searched(check, workload, located),
        workload=workload.unread,
    )


def _searched(check: TokenCheck, seen: Seen, located: Located) -> tuple[str, ...] | None:
    if not check.spec.discover or seen.readable is None:
        return None
    return tuple(dict.fromkeys(mount.secret for mount in located.mounted))


async def _secrets(
    namespace: str, located: Located, sources: Sources
) -> Mapping[str, SecretContent | Unread]:
    if len(located.secrets) == 1:  # by far the commonest, and a task costs a tenth of a pass
        (name,) = located.secrets
        return {name: await sources.inventory.secret(namespace, name)}
    contents = await asyncio.gather(
        *(sources.inventory.secret(namespace, name) for name in located.secrets)
    )
    return dict(zip(located.secrets, contents, strict=True))


def _projected(check: TokenCheck, site: Site) -> TokenEvidence:
    audience = site.audience or "(the API server's)"
    return TokenEvidence(
        spec=TokenSpec(
            name=f"serviceaccount/{audience}",
            source=ServiceAccountToken(audience=site.audience or ""),
            listed=False,
            expiry=check.spec.default_expiry,
        ),
        source=f"service-account token for audience {audience}",
        holding=Projected(sites=(site,)),
        sites=(site,),
    )
