"""The keys that providers' servers gave: asked for once, whoever needs them.

A provider is asked by its own pass (`tend`), in a task beside it, so that a server that hangs holds
up no pass. Checks only read (`trust`). What they cannot be judged without makes them wait for the
answer (`awaits`), which makes them due. Everything runs in one event loop; nothing is shared with
threads.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tokencheck.api.keysource import RemoteKeys
from tokencheck.api.quantity import format_time
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.core.questions.keys import (
    Known,
    answered,
    ask_ahead_at,
    failed,
    is_due,
    look_again_at,
    too_old,
)
from tokencheck.core.questions.replies import Faulted
from tokencheck.gather.ask_keys import ask_keys
from tokencheck.model.assessment import Assessment
from tokencheck.model.change import Cause
from tokencheck.model.evidence import Held
from tokencheck.model.facts import SignatureState
from tokencheck.model.keys import Key
from tokencheck.model.keyset import KeySet
from tokencheck.model.ports import Asker
from tokencheck.model.reasons import Reason
from tokencheck.model.trust import Trust, TrustState

# Longer than the deadlines of two requests: a check that nothing woke by then looks again.
LONGEST_WAIT = timedelta(seconds=25)
NOT_OURS = timedelta(minutes=1)  # between two looks at a provider that another process asks
ANSWERED = "Answered"
_GIVEN_UP = Faulted(reason=Reason.UNREACHABLE, detail="the question was given up")


@dataclass(slots=True)
class _Ring:
    """One provider's keys, and who waits for them.

    Args:
        asked_of: what an answer depends on; another one ends what is known.
        told: what the checks were last told: whether the keys count, and which.
    """

    asked_of: object
    known: Known = field(default_factory=Known)
    asking: asyncio.Task[None] | None = None
    waiting: set[Key] = field(default_factory=set)
    told: object = (None, False)


class KeyRing:
    """Implements `model.ports.Keyring` for a process that lives."""

    def __init__(
        self,
        asker: Asker,
        *,
        clock: Callable[[], datetime],
        chance: Callable[[], float],
        changed: Callable[[Key, Cause], None],
        may_ask: Callable[[], bool],
    ) -> None:
        """Know nothing yet.

        Args:
            asker: the way out.
            clock: aware UTC; when an answer came.
            chance: random numbers from 0 to 1.
            changed: told of a TokenProvider when it was asked (RESYNC) or what it vouches with
                is another than before (PROVIDER_CHANGED), and of a TokenCheck that waited.
            may_ask: whether this process is the one that asks.
        """
        self.requests: Counter[tuple[str, str]] = Counter()  # by provider and outcome
        self._asker = asker
        self._clock = clock
        self._chance = chance
        self._changed = changed
        self._may_ask = may_ask
        self._rings: dict[str, _Ring] = {}

    def known(self) -> dict[str, Known]:
        """Return what is known of each provider that has keys on a server."""
        return {name: ring.known for name, ring in self._rings.items()}

    def trust(self, provider: TokenProvider, trust: Trust, now: datetime) -> Trust:
        """Return `trust` with the keys as they are, or with why there are none that count."""
        ring, remote = self._ring(provider), _remote(provider)
        return _trust_by(ring.known, remote, trust, now) if ring and remote else trust

    def tend(self, provider: TokenProvider, now: datetime) -> datetime | None:
        """Ask when it is time to, in a task; tell the checks when what counts has changed."""
        ring, remote = self._ring(provider), _remote(provider)
        if ring is None or remote is None:
            return None
        if is_due(ring.known, now):
            self._ask(provider, ring)
        self._tell(provider.name, ring, remote, now)
        if ring.asking is not None:
            return None  # the answer makes the provider due
        if is_due(ring.known, now):
            return now + NOT_OURS  # who begins to lead looks at once
        return look_again_at(ring.known, remote, now)

    def awaits(self, key: Key, assessment: Assessment, now: datetime) -> datetime | None:
        """Return until when the check waits: its provider was never asked, or is asked ahead."""
        waits = False
        for token in assessment.tokens:
            ring = self._rings.get(token.evidence.trust.provider)
            if ring is None:
                continue
            if token.evidence.trust.state is TrustState.PENDING:
                waits = True
            elif (at := _ahead(ring, token.evidence.holding, now)) is not None and at <= now:
                ring.known = replace(ring.known, forced_at=now, due_at=None)
                provider = Key("TokenProvider", "", token.evidence.trust.provider)
                self._changed(provider, Cause.RESYNC)
                waits = True
            else:
                continue
            ring.waiting.add(key)
        return now + LONGEST_WAIT if waits else None

    def ask_ahead_at(self, assessment: Assessment, now: datetime) -> datetime | None:
        """Return when the cool-down of a provider ends that may know a token's key by then."""
        rings = ((self._rings.get(t.evidence.trust.provider), t) for t in assessment.tokens)
        moments = (_ahead(ring, token.evidence.holding, now) for ring, token in rings if ring)
        return min((at for at in moments if at is not None), default=None)

    def forget(self, name: str) -> None:
        """Keep nothing of the provider; a question that is under way ends."""
        ring = self._rings.pop(name, None)
        if ring is not None and ring.asking is not None:
            ring.asking.cancel()
        for label in [label for label in self.requests if label[0] == name]:
            del self.requests[label]

    async def close(self) -> None:
        """End all questions."""
        tasks = [ring.asking for ring in self._rings.values() if ring.asking is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ring(self, provider: TokenProvider) -> _Ring | None:
        """Return the ring of a provider, a new one when it is another provider than before."""
        jwt = provider.jwt
        if jwt is None or jwt.remote is None or provider.invalid:
            return None
        # The rules of freshness may change without another question.
        place = (jwt.remote.url, jwt.remote.discovery)
        asked_of = (provider.uid, jwt.issuer, place, provider.network)
        ring = self._rings.get(provider.name)
        if ring is None or ring.asked_of != asked_of:
            waiting: set[Key] = set()
            if ring is not None:
                waiting = ring.waiting
                if ring.asking is not None:
                    ring.asking.cancel()
            ring = self._rings[provider.name] = _Ring(asked_of=asked_of, waiting=waiting)
        return ring

    def _ask(self, provider: TokenProvider, ring: _Ring) -> None:
        """One question at a time, and only where this process is the one that asks."""
        if ring.asking is None and self._may_ask():
            ring.asking = asyncio.create_task(self._asked(provider, ring))

    async def _asked(self, provider: TokenProvider, ring: _Ring) -> None:
        answer: tuple[KeySet, float | None] | Faulted = _GIVEN_UP
        try:
            answer = await ask_keys(provider, self._asker)
        finally:  # whatever ended the question, the ring must be free for the next one
            ring.asking = None
            if self._rings.get(provider.name) is ring:
                self._take(provider, ring, answer)

    def _take(
        self, provider: TokenProvider, ring: _Ring, answer: tuple[KeySet, float | None] | Faulted
    ) -> None:
        remote = _remote(provider)
        assert remote is not None  # noqa: S101 - a ring has one
        now, chance = self._clock(), self._chance()
        if isinstance(answer, Faulted):
            ring.known = failed(ring.known, answer, rules=remote, now=now, chance=chance)
            self.requests[provider.name, str(answer.reason)] += 1
        else:
            keys, age = answer
            ring.known = answered(ring.known, keys, age, rules=remote, now=now, chance=chance)
            self.requests[provider.name, ANSWERED] += 1
        self._tell(provider.name, ring, remote, now)
        self._changed(Key("TokenProvider", "", provider.name), Cause.RESYNC)
        waiting, ring.waiting = ring.waiting, set()
        for key in waiting:
            self._changed(key, Cause.PROVIDER_CHANGED)

    def _tell(self, name: str, ring: _Ring, remote: RemoteKeys, now: datetime) -> None:
        """Make the provider's checks due when keys came, went, or stopped to count."""
        keys = ring.known.keys
        told = (None if keys is None else keys.keys, too_old(ring.known, remote, now))
        if told != ring.told:
            ring.told = told
            self._changed(Key("TokenProvider", "", name), Cause.PROVIDER_CHANGED)


class NoKeyring:
    """Implements `model.ports.Keyring` where nobody is asked: audits, files."""

    def trust(self, provider: TokenProvider, trust: Trust, now: datetime) -> Trust:  # noqa: ARG002 - the port's signature
        """Return that nobody asked."""
        return replace(
            trust,
            state=TrustState.KEYS_UNAVAILABLE,
            reason=Reason.NOT_ASKED,
            detail=f"TokenProvider {provider.name} was not asked here",
        )

    def awaits(self, key: Key, assessment: Assessment, now: datetime) -> datetime | None:  # noqa: ARG002 - the port's signature
        """Return None: nothing comes."""
        return None

    def ask_ahead_at(self, assessment: Assessment, now: datetime) -> datetime | None:  # noqa: ARG002 - the port's signature
        """Return None."""
        return None

    def tend(self, provider: TokenProvider, now: datetime) -> datetime | None:  # noqa: ARG002 - the port's signature
        """Ask nobody."""
        return None

    def forget(self, name: str) -> None:
        """Change nothing."""


def _remote(provider: TokenProvider) -> RemoteKeys | None:
    return provider.jwt.remote if provider.jwt else None


def _ahead(ring: _Ring, holding: object, now: datetime) -> datetime | None:
    """Return when asking ahead of time may find the key of a token; None when it has one."""
    if not isinstance(holding, Held):
        return None
    if holding.facts.signature.state is not SignatureState.KEY_NOT_FOUND:
        return None
    return ask_ahead_at(ring.known, holding.secret.changed_at, now)


def _trust_by(known: Known, remote: RemoteKeys, trust: Trust, now: datetime) -> Trust:
    where = f"TokenProvider {trust.provider}"
    fault, keys = known.fault, known.keys or KeySet()
    trust = replace(trust, read_at=known.read_at, reason=fault.reason if fault else None)
    if known.read_at is None:
        if fault is None:
            detail = f"{where} is being asked for its keys"
            return replace(trust, state=TrustState.PENDING, detail=detail)
        detail = f"{where} gave no keys: {fault.detail}"
        return replace(trust, state=TrustState.KEYS_UNAVAILABLE, detail=detail)
    why = f"; since then {fault.detail}" if fault else ""
    detail = f"{where}, read {format_time(known.read_at)}{why}"
    if too_old(known, remote, now):
        state, reason = TrustState.KEYS_UNAVAILABLE, Reason.KEYS_STALE
        return replace(trust, state=state, reason=reason, detail=f"too old: {detail}")
    return replace(trust, state=TrustState.USABLE, keys=keys, detail=detail)
