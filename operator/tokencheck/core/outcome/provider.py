"""The status of a TokenProvider: can checks use it, does it answer, and with which keys?"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tokencheck.api import API_VERSION
from tokencheck.api.quantity import format_time, parse_time
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.core.outcome.condition import (
    Condition,
    State,
    Type,
    invalid_spec,
    previous,
    render,
)
from tokencheck.model.activity import Standing
from tokencheck.model.keys import Key
from tokencheck.model.outcome import Event, EventType
from tokencheck.model.reasons import Reason
from tokencheck.model.trust import Trust, TrustState

MAX_KEYS = 32
# While a provider answers, the time of its last answer is written this often: each one would be a
# write for every provider and interval.
REACHED_EVERY = timedelta(hours=1)
_STATES = {
    TrustState.USABLE: (State.TRUE, Reason.VALID),
    TrustState.NONE: (State.TRUE, Reason.VALID),
    TrustState.KEYS_UNAVAILABLE: (State.FALSE, Reason.KEYS_UNAVAILABLE),
    TrustState.DENIED: (State.UNKNOWN, Reason.ACCESS_DENIED),
    TrustState.READ_FAILED: (State.UNKNOWN, Reason.READ_FAILED),
    TrustState.PENDING: (State.UNKNOWN, Reason.KEYS_PENDING),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderOutcome:
    """What a pass over a TokenProvider wants written and said."""

    status: dict[str, Any]
    events: tuple[Event, ...] = ()


def plan_provider(
    provider: TokenProvider,
    trust: Trust,
    now: datetime,
    *,
    checks: int = 0,
    standing: Standing | None = None,
) -> ProviderOutcome:
    """Return the whole status, equal to the stored one when nothing changed, and the events.

    Args:
        checks: how many TokenChecks name the provider.
        standing: how it answers about tokens; None when it was never asked.
    """
    conditions = list(_conditions(provider, trust, standing))
    status: dict[str, Any] = {
        "observedGeneration": provider.generation,
        "conditions": render(conditions, provider.status, generation=provider.generation, now=now),
        "checks": checks,
    }
    if trust.keys.keys:
        status["keys"] = [
            _key(jwk.text, jwk.key_id, jwk.algorithm) for jwk in trust.keys.keys[:MAX_KEYS]
        ]
    reached = _reached(provider, trust)
    if reached is not None:
        status["lastReachableTime"] = reached
    answered = _answered(provider, standing)
    if answered is not None:
        status["lastAnswerTime"] = answered
    return ProviderOutcome(status=status, events=tuple(_events(provider, status, trust)))


def _conditions(
    provider: TokenProvider, trust: Trust, standing: Standing | None
) -> Iterator[Condition]:
    if provider.invalid:
        yield invalid_spec(Type.READY, State.FALSE, provider.invalid)
        yield invalid_spec(Type.STALLED, State.TRUE, provider.invalid)
        return
    state, reason = _STATES.get(trust.state, (State.UNKNOWN, Reason.READ_FAILED))
    if trust.state is TrustState.KEYS_UNAVAILABLE and trust.reason is not None:
        reason = trust.reason
    yield Condition(type=Type.READY, state=state, reason=reason, message=_message(trust))
    reachable = _reachable(provider, trust, standing)
    if reachable is not None:
        yield reachable


def _reachable(
    provider: TokenProvider, trust: Trust, standing: Standing | None
) -> Condition | None:
    """Return whether all servers answer that are asked; None before the first answer of any."""
    keys = asked(provider) and trust.state is not TrustState.PENDING
    never = trust.reason is Reason.KEYS_STALE and trust.read_at is None
    reason, detail = (None, "") if not keys or never else (trust.reason, trust.detail)
    if reason is None and standing is not None and standing.reason is not None:
        who = provider.vendor.name if provider.vendor else "introspection"
        reason, detail = standing.reason, f"{who}: {standing.detail}"
    if reason is not None:
        return Condition(type=Type.REACHABLE, state=State.FALSE, reason=reason, message=detail)
    if not keys and standing is None:
        return None
    what = "gave its keys" if keys else "answered"
    reached = f"the provider {what} when it was last asked"
    return Condition(
        type=Type.REACHABLE, state=State.TRUE, reason=Reason.PROVIDER_REACHED, message=reached
    )


def asked(provider: TokenProvider) -> bool:
    """Return whether the keys are on a server."""
    return provider.jwt is not None and provider.jwt.remote is not None


def _message(trust: Trust) -> str:
    faults = "; ".join(trust.keys.faults[:3])
    if trust.state is TrustState.USABLE:
        count = len(trust.keys.keys)
        old = f"; {trust.detail}" if trust.reason is not None else ""
        left_out = f"; left out: {faults}" if faults else ""
        return f"{count} usable key{'' if count == 1 else 's'}{old}{left_out}"
    if trust.state is TrustState.NONE and trust.introspected:
        return "no public keys; it is asked whether tokens are active"
    if trust.state is TrustState.NONE:
        return "no JWT rules; scopes only"
    return trust.detail + (f": {faults}" if faults else "")


def _answered(provider: TokenProvider, standing: Standing | None) -> str | None:
    """Return when it last answered about a token."""
    if provider.asked is None:
        return None
    stored = provider.status.get("lastAnswerTime")
    if standing is None or standing.answered_at is None:
        return stored
    return _to_the_hour(stored, standing.answered_at, fails=standing.reason is not None)


def _reached(provider: TokenProvider, trust: Trust) -> str | None:
    """Return when it last gave its keys."""
    if not asked(provider):
        return None
    stored = provider.status.get("lastReachableTime")
    if trust.read_at is None:
        return stored
    return _to_the_hour(stored, trust.read_at, fails=trust.reason is not None)


def _to_the_hour(stored: str | None, last: datetime, *, fails: bool) -> str | None:
    """Return when a provider last answered: to the hour while it does, exactly once it fails."""
    before = parse_time(stored)
    recent = before is not None and before <= last < before + REACHED_EVERY
    return stored if recent and not fails else format_time(last)


def _events(provider: TokenProvider, status: dict[str, Any], trust: Trust) -> Iterator[Event]:
    """Each once, at the transition that the stored status shows."""
    old, new = (previous(s, Type.REACHABLE) for s in (provider.status, status))
    if old.get("status") != new.get("status"):
        about = f"Reachable since {new.get('lastTransitionTime')}"
        if new.get("status") == State.FALSE:
            yield _event(provider, EventType.WARNING, "ProviderUnreachable", new["message"], about)
        elif old.get("status") == State.FALSE and new:
            yield _event(provider, EventType.NORMAL, "ProviderReachable", new["message"], about)
    if not asked(provider):
        return
    before, after = provider.status.get("keys"), status.get("keys")
    if before and after and before != after:
        gone, came = ([k for k in x if k not in y] for x, y in ((before, after), (after, before)))
        note = f"keys changed: {len(came)} new, {len(gone)} gone, {len(after)} now"
        yield _event(provider, EventType.NORMAL, "KeysRotated", note)
    if trust.keys.exposed and before != after:
        note = (
            f"{trust.keys.exposed} private or symmetric keys are published: whoever reads them can "
            "make tokens; have the issuer withdraw them now"
        )
        yield _event(provider, EventType.WARNING, "KeysExposed", note)


def _event(
    provider: TokenProvider, kind: EventType, reason: str, note: str, about: str = ""
) -> Event:
    return Event(
        regarding=Key("TokenProvider", "", provider.name),
        api_version=API_VERSION,
        uid=provider.uid,
        type=kind,
        reason=reason,
        note=note,
        action="AskProvider",
        about=about,
    )


def _key(text: str, key_id: str | None, algorithm: str | None) -> dict[str, str]:
    shown = "".join(c if " " <= c <= "~" else "?" for c in (key_id or "")[:128])
    fields = {"kid": shown, "algorithm": algorithm or json.loads(text).get("kty", "")}
    return {name: value for name, value in fields.items() if value}
