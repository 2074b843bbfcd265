"""One pass over one TokenCheck: read, decide, write."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.core.checks.drift import next_baseline
from tokencheck.core.outcome.beat import next_beat
from tokencheck.core.outcome.bypass import Bypass, bypass_of
from tokencheck.core.outcome.plan import Kept, plan, plan_between, plan_opening
from tokencheck.core.outcome.stopped import plan_invalid, plan_revoked, plan_suspended
from tokencheck.core.rights.asked import Asked
from tokencheck.core.rights.commands import author_command
from tokencheck.core.workloads.locate import locate
from tokencheck.core.workloads.references import references_of
from tokencheck.gather.owner import owner_of
from tokencheck.gather.permissions import permissions_again_at
from tokencheck.gather.rights import is_revoked, review
from tokencheck.gather.seen import Seen, see
from tokencheck.gather.sources import Sources
from tokencheck.model.assessment import Assessment
from tokencheck.model.evidence import Baseline, Denied, Failed
from tokencheck.model.keys import MATCHING, Key
from tokencheck.model.trust import TrustState
from tokencheck.model.work import Next
from tokencheck.passes.assess import assess_located, rollout_from
from tokencheck.publish.publish import Published, Sinks, publish

# A right comes by an admin's hand, an answer with the next try.
_UNANSWERED: frozenset[object] = frozenset({Failed, TrustState.READ_FAILED})
_LATER = _UNANSWERED | {Denied, TrustState.DENIED}
LOOK_AGAIN = timedelta(seconds=30)  # for a right that was given back: no watch tells it
_NEVER = datetime.max.replace(tzinfo=UTC)


async def check_pass(key: Key, now: datetime, *, sources: Sources, sinks: Sinks) -> Next:
    """Judge one TokenCheck, write what changed, and return when to look again.

    The references are followed before anything is read, so that a change during the pass makes the
    next one.
    """
    check = sources.inventory.check(key)
    if check is None:
        return forget(key, sources, sinks)
    bypass = bypass_of(check, sources.guards_bypass(check.namespace), now)
    if check.spec.suspend or check.invalid:
        return await _stopped(key, check, bypass, now, sources=sources, sinks=sinks)
    trusted = _trusted(check, sources, _issuing(check, sources))
    wanted = references_of(check) | trusted
    sources.interest.also(key, frozenset() if is_revoked(check) else wanted)  # nothing for nobody
    reviewed = await review(check, sources, now)
    if reviewed.revoked is not None:
        lost = reviewed.revoked
        return await _revoked(key, check, lost, bypass, now, sources=sources, sinks=sinks)
    sources.interest.also(key, wanted)
    seen = await see(check, sources)
    located = locate(check, seen.readable, seen.only_in_pods)
    sources.interest.follow(key, references_of(check, located) | trusted)
    rollout = rollout_from(check, seen)
    standing = check
    if (opening := plan_opening(check, rollout, bypass, now)) is not None:
        published, standing = await publish(key, check, opening, None, sinks)
        if published not in (Published.DONE, Published.STANDBY):
            return _next(published, None, key, sources, sinks)
    assessment = await assess_located(check, seen, located, sources, now)
    if (until := _awaits(key, assessment, now, sources)) is not None:
        return await _between(key, standing, bypass, until, now, sources=sources, sinks=sinks)
    _leave_others(key, check, assessment, sources)
    baselines = _baselines(key, assessment, sources)
    owner = await owner_of(check, assessment, sources)
    kept = Kept(baselines=baselines, owner=owner, bypass=bypass)
    outcome = plan(standing, rollout, assessment, kept, now)
    published, _ = await publish(key, standing, outcome, assessment, sinks)
    if seen.unread is None:  # else the names have not vanished, they were not looked for
        sources.memory.retain(key, [t.evidence.spec.name for t in assessment.tokens])
    asks = _asks_again_at(key, check, assessment, now, sources)
    until = min(filter(None, (outcome.wake_at, asks, reviewed.again_at(check))), default=_NEVER)
    following = _next(published, min(until, next_beat(check, now)), key, sources, sinks)
    alone = published is Published.DONE and not _asked(assessment)
    return _concluded(following, _missing(seen, assessment), until if alone else None)


def _asks_again_at(
    key: Key, check: TokenCheck, assessment: Assessment, now: datetime, sources: Sources
) -> datetime | None:
    """Return when somebody has to be asked again about the tokens."""
    moments = (
        sources.keyring.ask_ahead_at(assessment, now),
        sources.liveness.again_at(key, assessment, now),
        permissions_again_at(check, assessment, now),
    )
    return min(filter(None, moments), default=None)


def _asked(assessment: Assessment) -> bool:
    """Return whether a server has a say: what it says last, and how old that is, nobody tells.

    Of checks that share a token one asks for all; another takes over on its beat when that one is
    gone.
    """
    tokens = [token.evidence for token in assessment.tokens]
    return any(one.activity or one.trust.read_at or one.trust.reason for one in tokens)


def _concluded(following: Next, missing: frozenset[object], stands_until: datetime | None) -> Next:
    """Return when to look again: soon for what could not be read, else the result stands."""
    if missing:
        return replace(following, retry=True, unread=not missing.isdisjoint(_UNANSWERED))
    return replace(following, stands_until=stands_until)


def _awaits(key: Key, assessment: Assessment, now: datetime, sources: Sources) -> datetime | None:
    """Return until when the check waits for an answer; both that may come are waited for."""
    asked = (sources.keyring, sources.liveness)
    waits = [at for one in asked if (at := one.awaits(key, assessment, now)) is not None]
    return min(waits, default=None)


async def _between(
    key: Key,
    check: TokenCheck,
    bypass: Bypass | None,
    until: datetime,
    now: datetime,
    *,
    sources: Sources,
    sinks: Sinks,
) -> Next:
    """Wait for an answer that is on its way and makes the check due.

    The gate is meanwhile as break-glass has it, whatever the answer will be.
    """
    wakes = [until, bypass.wake_at] if bypass and bypass.wake_at else [until]
    following = Next(wake_at=min(wakes))
    if (outcome := plan_between(check, bypass, now)) is None:
        return following
    published, _ = await publish(key, check, outcome, None, sinks)
    return _next(published, following.wake_at, key, sources, sinks)


async def _stopped(
    key: Key,
    check: TokenCheck,
    bypass: Bypass | None,
    now: datetime,
    *,
    sources: Sources,
    sinks: Sinks,
) -> Next:
    """Judge nothing of a check that is suspended or whose spec says nothing."""
    stop = plan_suspended if check.spec.suspend else plan_invalid
    outcome = stop(check, bypass, now)
    published, _ = await publish(key, check, outcome, None, sinks)
    return _next(published, outcome.wake_at, key, sources, sinks)


async def _revoked(
    key: Key,
    check: TokenCheck,
    lost: Asked,
    bypass: Bypass | None,
    now: datetime,
    *,
    sources: Sources,
    sinks: Sinks,
) -> Next:
    """Read nothing for an author who may not ask for it any more; look again soon."""
    sources.interest.unfollow(key)
    user = check.requester.name if check.requester else ""
    mend = author_command(check.namespace, user, lost.option)
    outcome = plan_revoked(check, lost.what, mend, bypass, now)
    published, _ = await publish(key, check, outcome, None, sinks)
    wake_at = min(outcome.wake_at or _NEVER, now + LOOK_AGAIN)
    return _next(published, wake_at, key, sources, sinks)


def _issuing(check: TokenCheck, sources: Sources) -> tuple[TokenProvider, ...]:
    """Return the providers that may be for a JWT that the check finds."""
    return sources.inventory.issuing() if _searches(check) else ()


def _searches(check: TokenCheck) -> bool:
    """Return whether the check looks for tokens that its spec does not list."""
    return check.spec.discover and check.spec.workload is not None


def _leave_others(key: Key, check: TokenCheck, assessment: Assessment, sources: Sources) -> None:
    """Follow no provider any more that was for none of the tokens: any might have been."""
    issuing = _issuing(check, sources)
    names = {token.evidence.trust.provider for token in assessment.tokens}
    others = tuple(one for one in issuing if one.name not in names)
    if others:
        chosen = tuple(one for one in issuing if one.name in names)
        left = _trusted(check, sources, others) - _trusted(check, sources, chosen)
        sources.interest.leave(key, left)


def _trusted(
    check: TokenCheck, sources: Sources, issuing: tuple[TokenProvider, ...]
) -> frozenset[Key]:
    """Return what vouches for the check's tokens beside the providers that it names.

    Another key under the same id leaves a provider's status as it is, and ends verdicts; a provider
    that matches may be for any token that is found.
    """
    named = (sources.inventory.provider(t.provider) for t in check.spec.tokens if t.provider)
    maps = (p.jwt.config_map for p in (*named, *issuing) if p and p.jwt and p.jwt.config_map)
    keys = {Key("ConfigMap", sources.own_namespace, one.name) for one in maps}
    keys |= {Key("TokenProvider", "", one.name) for one in issuing}
    return frozenset(keys | {MATCHING} if _searches(check) else keys)


def forget(key: Key, sources: Sources, sinks: Sinks) -> Next:
    """Follow, remember and show nothing of a check: it is gone, or another process's business."""
    sources.interest.unfollow(key)
    sources.memory.forget(key)
    sinks.board.drop(key)
    return Next()


def _next(
    published: Published, wake_at: datetime | None, key: Key, sources: Sources, sinks: Sinks
) -> Next:
    if published is Published.GONE:
        return forget(key, sources, sinks)
    # A superseded pass is not repeated at once: the newer object is on its way to us and makes a
    # pass of its own;
    # the retry is for the case that it was another writer of the status, whose change makes none.
    return Next(wake_at=wake_at, retry=published in (Published.RETRY, Published.SUPERSEDED))


def _baselines(key: Key, assessment: Assessment, sources: Sources) -> Mapping[str, Baseline | None]:
    """Return what is kept as baseline of each token.

    Its subject is remembered in the process only.
    """
    baselines = {}
    for token in assessment.tokens:
        name = token.evidence.spec.name
        baselines[name] = baseline = next_baseline(token)
        remembered = sources.memory.recall(key, name)
        if remembered and baseline:
            sources.memory.remember(key, name, replace(remembered, subject=baseline.subject))
    return baselines


def _missing(seen: Seen, assessment: Assessment) -> frozenset[object]:
    """Return in which ways something could not be read that may be later, and no watch tells."""
    tokens = [token.evidence for token in assessment.tokens]
    ways = {type(seen.unread), *(type(token.holding) for token in tokens)}
    states = {token.trust.state for token in tokens}
    denied = {Denied} if any(token.stale.denied for token in tokens) else set()
    return frozenset((ways | states | denied) & _LATER)
