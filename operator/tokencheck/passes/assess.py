"""Locate, gather, judge: what is known of one check's tokens. Audits and `verify` stop here."""

from datetime import datetime

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.core.checks.chain import judge
from tokencheck.core.workloads.locate import Located, locate
from tokencheck.core.workloads.rollout import rollout_of, rollout_without
from tokencheck.gather.gather import gather
from tokencheck.gather.seen import Seen
from tokencheck.gather.sources import Sources
from tokencheck.model.assessment import Assessment
from tokencheck.model.workload import Rollout


async def assess(check: TokenCheck, seen: Seen, sources: Sources, now: datetime) -> Assessment:
    """Return all tokens of `check`, judged at `now`."""
    located = locate(check, seen.readable, seen.only_in_pods)
    return await assess_located(check, seen, located, sources, now)


async def assess_located(
    check: TokenCheck, seen: Seen, located: Located, sources: Sources, now: datetime
) -> Assessment:
    """Return all tokens of `check`, judged at `now`, when they are located already."""
    return judge(await gather(check, seen, located, sources, now), now)


def rollout_from(check: TokenCheck, seen: Seen) -> Rollout:
    """Return how far the rollout is, of a workload that may be missing or unreadable."""
    if seen.readable is not None:
        return rollout_of(seen.readable, check.spec.release)
    return rollout_without(check.spec.workload, seen.unread)
