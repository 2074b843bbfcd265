"""Whether tokens live, as their providers say: each asked about once an interval, whoever needs it.

A check's pass looks (`activity`) and thereby has a question asked when it is time to, in a task
beside it: a server that hangs holds up no pass. A check that cannot be judged without the first
answer waits for it (`awaits`), and is due when it comes or when what it was told changes. While a
provider is left alone for the operator's own credentials, its pass looks for others (`tend`). A
token's text lives from the pass to the end of its question and no longer. Everything runs in one
event loop; nothing is shared with threads.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.core.questions.liveness import (
    JITTER,
    LATE,
    Known,
    Pause,
    activity_of,
    answered,
    due_at,
    failed,
    is_due,
    needs_credentials,
    struck,
)
from tokencheck.core.questions.replies import Faulted
from tokencheck.core.tokens.fingerprint import portion
from tokencheck.gather.ask_api_server import ask_api_server
from tokencheck.gather.ask_registry import Nobody, ask_registry
from tokencheck.gather.ask_token import ask_token
from tokencheck.gather.ask_vendor import ask_vendor
from tokencheck.gather.desk import Desk, Ended, Entry, version_of
from tokencheck.gather.rights import is_in_force
from tokencheck.gather.withheld import unproven
from tokencheck.model.activity import Activity, ActivityState, Answer, Looked, Standing
from tokencheck.model.admission import Enforcement
from tokencheck.model.assessment import Assessment
from tokencheck.model.change import Cause
from tokencheck.model.evidence import Held, SecretContent, TokenEvidence, Unread
from tokencheck.model.keys import Key
from tokencheck.model.ports import Asker, Inventory, TokenReviews
from tokencheck.model.reasons import Reason

MAX_TOKENS = 10_000  # of one provider; about 1 KiB each. Beyond it the longest unused is forgotten.
LONGEST_WAIT = timedelta(seconds=25)  # of a check, for a first answer; then it says Unknown
NOT_OURS = timedelta(minutes=10)  # where another process asks; who begins to lead looks at once
SOON = timedelta(seconds=1)
UNPROVEN_WAIT = timedelta(seconds=2)  # for the first proof in a namespace, which takes a second
UNPROVEN_AGAIN = timedelta(seconds=10)  # as often as it is tried again where it is not enforced
HOUR = timedelta(hours=1)  # the status of a provider that answers shows its time this exactly
ANSWERED = "Answered"
_NOBODY = Faulted(reason=Reason.NOT_ASKED, detail="the API server is not asked here")
_GIVEN_UP = Faulted(reason=Reason.NOT_ASKED, detail="the question was given up")


class Introspector:
    """Implements `model.ports.Liveness` for a process that lives."""

    def __init__(
        self,
        asker: Asker,
        inventory: Inventory,
        own_namespace: str,
        *,
        clock: Callable[[], datetime],
        chance: Callable[[], float],
        changed: Callable[[Key, Cause], None],
        may_ask: Callable[[Key], bool],
        enforced: Callable[[str], Enforcement | None],
        reviews: TokenReviews | None = None,
        room: int = MAX_TOKENS,
    ) -> None:
        """Know nothing yet.

        Args:
            asker: the way out.
            inventory: reads the Secret with the operator's own credentials.
            own_namespace: where that Secret stands.
            clock: aware UTC; when a question began or ended.
            chance: random numbers from 0 to 1.
            changed: told of each check that is to be judged again, and of a provider that stands
                otherwise than before.
            may_ask: whether this process is the one that asks for a check.
            enforced: whether admission is in a namespace, so that who names a Secret there may
                read it; None where that was not tried yet.
            reviews: the operator's own API server; without it nobody asks that.
            room: for how many tokens of one provider.
        """
        self.requests: Counter[tuple[str, str]] = Counter()  # by provider and outcome
        self._asker = asker
        self._inventory = inventory
        self._own_namespace = own_namespace
        self._clock = clock
        self._chance = chance
        self._changed = changed
        self._may_ask = may_ask
        self._enforced = enforced
        self._reviews = reviews
        self._room = room
        self._desks: dict[str, Desk] = {}

    @property
    def running(self) -> int:
        """Return how many questions are under way or wait for their turn."""
        return sum(desk.running for desk in self._desks.values())

    @property
    def tokens(self) -> int:
        """Return of how many tokens something is known or asked."""
        return sum(len(desk.entries) for desk in self._desks.values())

    def activity(self, provider: TokenProvider, looked: Looked, now: datetime) -> Activity:
        """Return what is known of the token; ask about it when it is time to."""
        desk = self._desk(provider)
        entry = self._entry(desk, looked)
        enforced = self._enforced(looked.key.namespace)
        if enforced is not Enforcement.PROVEN:
            return unproven(provider.name, looked.key.namespace, enforced)
        entry.wanted.want(looked.paths, now, now + 2 * looked.interval + LATE)
        lacks = entry.known.fault is None and entry.wanted.lacks(entry.known.answer, looked.paths)
        if entry.asking is None and (lacks or is_due(entry.known, looked.interval, now)):
            self._ask(provider, desk, entry, looked, now)
        known = activity_of(
            entry.known, desk.pause, provider=provider.name, interval=looked.interval, now=now
        )
        if lacks and entry.asking is not None and known.state is ActivityState.KNOWN:
            known = replace(known, state=ActivityState.PENDING)
        entry.followers[looked.key] = _gist(known)
        return known

    def awaits(self, key: Key, assessment: Assessment, now: datetime) -> datetime | None:
        """Return until when the check waits for a first answer; None when it can be judged now."""
        waits = False
        for entry, activity in self._looked_at(assessment):
            if activity.state is not ActivityState.PENDING:
                continue
            entry.first_look = entry.first_look or now
            if now < entry.first_look + LONGEST_WAIT or not self._may_ask(key):
                entry.waiting.add(key)
                waits = True
        wait = LONGEST_WAIT
        if not self._may_ask(key):
            wait = NOT_OURS
        elif self._enforced(key.namespace) is None:
            wait = UNPROVEN_WAIT  # nobody tells of a proof
        return now + wait if waits else None

    def again_at(self, key: Key, assessment: Assessment, now: datetime) -> datetime | None:
        """Return when the check comes again to have its tokens asked about."""
        moments = [
            self._again(key, entry, self._desks[activity.provider], now)
            for entry, activity in self._looked_at(assessment)
        ]
        return min((at for at in moments if at is not None), default=None)

    def standing(self, name: str) -> Standing | None:
        """Return when a provider last answered, and why it does not now; None of one not asked."""
        desk = self._desks.get(name)
        if desk is None or (desk.answered_at is None and desk.fault is None):
            return None
        fault = desk.fault
        return Standing(
            answered_at=desk.answered_at,
            reason=fault.reason if fault else None,
            detail=fault.detail if fault else "",
        )

    async def tend(
        self, provider: TokenProvider, now: datetime, *, changed: bool
    ) -> datetime | None:
        """Have the checks come that wait while nobody asks: this process may have begun to lead.

        So those that wait for other credentials of the operator, where there are others.
        """
        if provider.asked is None or provider.invalid:
            self.forget(provider.name)
            return None
        desk = self._desk(provider)
        for entry in desk.entries.values():
            ours = {key for key in entry.waiting if self._may_ask(key)}
            if entry.asking is None:
                entry.waiting -= ours
                self._wake(ours)
        at = desk.read_again_at(now)
        if at is not None and (changed or at <= now):
            desk.read_at = now
            version = version_of(await self._credentials(provider))
            other = version not in ("", desk.refused)  # no answer is no change
            if other and self._desks.get(provider.name) is desk:
                self._wake(desk.mended(self._clock()))
        return desk.read_again_at(now)

    def forget(self, name: str) -> None:
        """Keep nothing of the provider; questions that are under way end."""
        desk = self._desks.pop(name, None)
        for entry in desk.entries.values() if desk else ():
            if entry.asking is not None:
                entry.asking.cancel()
        for label in [label for label in self.requests if label[0] == name]:
            del self.requests[label]

    def known(self) -> dict[str, Standing]:
        """Return how each provider stands that was asked about a token."""
        found = ((name, self.standing(name)) for name in self._desks)
        return {name: standing for name, standing in found if standing is not None}

    async def close(self) -> None:
        """End all questions."""
        entries = [entry for desk in self._desks.values() for entry in desk.entries.values()]
        tasks = [entry.asking for entry in entries if entry.asking is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _desk(self, provider: TokenProvider) -> Desk:
        issuer = provider.jwt.issuer if provider.jwt else None  # who an assertion is for
        asked_of = (provider.uid, provider.asked, provider.network, issuer)
        desk = self._desks.get(provider.name)
        if desk is not None and desk.asked_of == asked_of:
            return desk
        before = desk
        desk = self._desks[provider.name] = Desk(asked_of, Nobody(self._clock))
        for entry in before.entries.values() if before else ():
            if entry.asking is not None:
                entry.asking.cancel()
            self._wake({*entry.followers, *entry.waiting})
        return desk

    def _entry(self, desk: Desk, looked: Looked) -> Entry:
        mark = looked.mark
        entry = desk.entries.get(mark)
        if entry is None:
            idle = (m for m, e in desk.entries.items() if e.asking is None)
            if len(desk.entries) >= self._room and (oldest := next(idle, None)) is not None:
                del desk.entries[oldest]
            known = Known(sooner=JITTER * portion(looked.text))
            entry = desk.entries[mark] = Entry(known=known)
        desk.entries.move_to_end(mark)
        return entry

    def _looked_at(self, assessment: Assessment) -> list[tuple[Entry, Activity]]:
        found = (self._of(token.evidence) for token in assessment.tokens)
        return [pair for pair in found if pair is not None]

    def _of(self, token: TokenEvidence) -> tuple[Entry, Activity] | None:
        if token.activity is None or not isinstance(token.holding, Held):
            return None
        desk = self._desks.get(token.activity.provider)
        entry = desk.entries.get(token.holding.facts.fingerprint) if desk else None
        return (entry, token.activity) if entry is not None else None

    def _again(self, key: Key, entry: Entry, desk: Desk, now: datetime) -> datetime | None:
        if self._enforced(key.namespace) is not Enforcement.PROVEN:
            return now + UNPROVEN_AGAIN
        if entry.asked_by not in (key, None):
            return None
        if not self._may_ask(key):
            return now + NOT_OURS
        if entry.asking is not None:
            return now + entry.interval  # a fault makes the check due sooner
        at = due_at(entry.known, entry.interval) or now
        if desk.pause.until is not None:
            at = max(at, desk.pause.until)
        return max(at, now + SOON)

    def _ask(
        self,
        provider: TokenProvider,
        desk: Desk,
        entry: Entry,
        looked: Looked,
        now: datetime,
    ) -> None:
        """One question about a token at a time; of a paused provider one at all."""
        if not self._may_ask(looked.key) or desk.pause.holds(now):
            return
        if desk.pause.fault is not None and desk.running:
            desk.behind.add(looked.key)
            return
        entry.asked_by, entry.interval = looked.key, looked.interval
        desk.running += 1
        entry.asking = asyncio.create_task(self._asked(provider, desk, entry, looked))

    async def _asked(
        self, provider: TokenProvider, desk: Desk, entry: Entry, looked: Looked
    ) -> None:
        ended = Ended(result=_GIVEN_UP, began=self._clock())
        try:
            async with desk.turns:
                ended.began = self._clock()
                ended.result = None  # not asked: meanwhile it was paused, or the right is gone
                if not desk.pause.holds(ended.began) and self._may_still_ask(looked.key):
                    ended.result = _GIVEN_UP
                    content = await self._credentials(provider)
                    ended.version = version_of(content)
                    asked = replace(looked, paths=entry.wanted.present(ended.began))
                    ended.result = await self._answer(provider, asked, content, desk.nobody)
        finally:  # whatever ended the question, the token must be free for the next one
            entry.asking = None
            desk.running -= 1
            if self._desks.get(provider.name) is desk:
                self._take(provider.name, desk, entry, looked, ended)

    def _may_still_ask(self, key: Key) -> bool:
        """Return whether it may go: thousands in line wait for minutes."""
        proven = self._enforced(key.namespace) is Enforcement.PROVEN
        return proven and self._may_ask(key) and is_in_force(self._inventory.check(key))

    async def _credentials(self, provider: TokenProvider) -> SecretContent | Unread | None:
        name = provider.credentials
        return await self._inventory.secret(self._own_namespace, name) if name else None

    async def _answer(
        self,
        provider: TokenProvider,
        looked: Looked,
        content: SecretContent | Unread | None,
        nobody: Nobody,
    ) -> Answer | Faulted:
        vendor = provider.vendor
        if vendor is not None and vendor.registry is not None:
            return await ask_registry(provider, vendor, looked.text, self._asker, nobody)
        if vendor is not None and vendor.server is None:
            return await ask_api_server(looked, self._reviews) if self._reviews else _NOBODY
        if vendor is not None:
            return await ask_vendor(
                provider, vendor, looked.text, self._asker, content, paths=looked.paths
            )
        assert content is not None  # noqa: S101 - an introspection has credentials
        return await ask_token(provider, content, looked.text, self._asker, self._clock())

    def _take(
        self,
        name: str,
        desk: Desk,
        entry: Entry,
        looked: Looked,
        ended: Ended,
    ) -> None:
        result, began = ended.result, ended.began
        stood = desk.fault and desk.fault.reason
        if isinstance(result, Answer):
            entry.known = answered(entry.known, result, began)
            entry.first_look = None  # the next answer that a check needs is waited for as well
            desk.pause, desk.fault, desk.answered_at = Pause(), None, began
            self.requests[name, ANSWERED] += 1
        elif isinstance(result, Faulted):
            self._fault(desk, entry, looked, result, ended)
            self.requests[name, str(result.reason)] += 1
        self._tell(desk, entry)
        if not isinstance(result, Answer):
            self._wake({looked.key})  # it comes again to ask again
        if desk.running == 0 or isinstance(result, Answer):
            self._wake(desk.behind)
        since = desk.shown_at
        shown = stood == (desk.fault and desk.fault.reason) and since and began - since < HOUR
        if not shown or (isinstance(result, Faulted) and needs_credentials(result)):
            desk.shown_at = began
            self._changed(Key("TokenProvider", "", name), Cause.RESYNC)

    def _fault(
        self, desk: Desk, entry: Entry, looked: Looked, fault: Faulted, ended: Ended
    ) -> None:
        now, chance = self._clock(), self._chance()
        entry.known = failed(entry.known, fault, began=ended.began, now=now, chance=chance)
        if not fault.of_token:
            desk.fault = fault
        if needs_credentials(fault):
            desk.refused, desk.read_at = ended.version, ended.began
        desk.pause = struck(
            desk.pause, looked.mark, fault, tokens=len(desk.entries), now=now, chance=chance
        )

    def _tell(self, desk: Desk, entry: Entry) -> None:
        """Make those checks due that wait, or were told something else than what is known now."""
        now = self._clock()
        known = activity_of(entry.known, desk.pause, provider="", interval=entry.interval, now=now)
        others = {key for key, told in entry.followers.items() if told != _gist(known)}
        self._wake(entry.waiting | others)
        entry.waiting.clear()

    def _wake(self, keys: set[Key]) -> None:
        told = tuple(keys)
        keys.clear()
        for key in told:
            self._changed(key, Cause.PROVIDER_CHANGED)


def _gist(activity: Activity) -> object:
    """What is said of a token, without its times."""
    return activity.state, activity.reason, activity.answer
