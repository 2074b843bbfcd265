"""Tokens that a command shows to their vendors: first it says how many, then each is shown once.

The first audit finds out which tokens would be shown to whom, the second has the answers.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.core.questions.replies import Faulted
from tokencheck.gather.ask_vendor import ask_vendor
from tokencheck.gather.unasked import NoLiveness
from tokencheck.model.activity import Activity, ActivityState, Answer, Looked
from tokencheck.model.ports import Asker
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed

_AT_ONCE = 4  # of one provider; it has to serve others too
# So many questions in a row that no token answers: the address is wrong, or a proxy stands before.
_STRANGE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """So many tokens would be shown there.

    Args:
        place: host, with its port where it is another one than that of https.
    """

    provider: str
    vendor: str
    place: str
    tokens: int


class Showing(NoLiveness):
    """Implements `model.ports.Liveness`; a token is the same wherever it stands."""

    def __init__(self) -> None:
        """Know of no token yet, and ask nobody before `ask`."""
        self._wanted: dict[tuple[str, bytes], tuple[TokenProvider, Sealed]] = {}
        self._said_of: dict[tuple[str, bytes], Activity] = {}

    def activity(self, provider: TokenProvider, looked: Looked, now: datetime) -> Activity:
        """Return what was said, or that nobody asked; who answers the operator alone is not."""
        key = (provider.name, looked.mark)
        if key in self._said_of:
            return self._said_of[key]
        if provider.asks_as_anybody:
            self._wanted.setdefault(key, (provider, looked.text))
        return super().activity(provider, looked, now)

    @property
    def planned(self) -> tuple[Planned, ...]:
        """Return what `ask` would show to whom, by provider."""
        counted = Counter(name for name, _ in self._wanted)
        providers = {provider.name: provider for provider, _ in self._wanted.values()}
        return tuple(
            Planned(provider=name, vendor=vendor.name, place=vendor.server.place, tokens=tokens)
            for name, tokens in sorted(counted.items())
            if (vendor := providers[name].vendor) is not None and vendor.server is not None
        )

    async def ask(self, asker: Asker, now: datetime) -> None:
        """Show each token once to its vendor; one that is at fault is shown no more.

        Args:
            now: aware UTC; when the answers count as given.
        """
        names = {name for name, _ in self._wanted}
        await asyncio.gather(*(self._ask_one(name, asker, now) for name in names))
        self._wanted.clear()

    async def _ask_one(self, name: str, asker: Asker, now: datetime) -> None:
        left = [(key, *wanted) for key, wanted in self._wanted.items() if key[0] == name]
        broken: list[Faulted] = []
        strange = 0

        async def asks() -> None:
            nonlocal strange
            while left:
                key, provider, text = left.pop()
                said = broken[0] if broken else await _said(provider, text, asker)
                strange = strange + 1 if isinstance(said, Faulted) else 0
                if isinstance(said, Faulted) and (not said.of_token or strange >= _STRANGE):
                    broken.append(said)
                self._said_of[key] = _activity(name, said, now)

        await asyncio.gather(*(asks() for _ in range(_AT_ONCE)))


async def _said(provider: TokenProvider, text: Sealed, asker: Asker) -> Answer | Faulted:
    if provider.vendor is None:
        return Faulted(reason=Reason.NOT_ASKED, detail="it is no vendor")
    return await ask_vendor(provider, provider.vendor, text, asker)


def _activity(provider: str, said: Answer | Faulted, now: datetime) -> Activity:
    if isinstance(said, Faulted):
        state = ActivityState.FAULTED
        return Activity(provider=provider, state=state, reason=said.reason, detail=said.detail)
    state = ActivityState.KNOWN
    return Activity(provider=provider, state=state, answer=said, answered_at=now)
