"""Proves again and again, in each namespace with TokenChecks, that admission is enforced.

Two tasks: one compares with what ships the policies that stand in the cluster, the other tries in
each namespace in turn, which takes long where there are many. What is found to be gone counts for
all namespaces at once.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping

from tokencheck.clients.kube.admission import (
    Installed,
    read_guard,
    read_installed,
    try_probe,
)
from tokencheck.clients.kube.limits import jitter
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.rights.guards import Installation
from tokencheck.model.admission import BypassProof, Enforcement, Guard
from tokencheck.model.evidence import Absent, Unread
from tokencheck.model.keys import Key

EVERY_S = 60.0  # between two proofs of a namespace
SOON_S = 10.0  # where it is not proven: who mends it wants to see it; between two comparisons
LOOK_EVERY_S = 1.0  # for namespaces that are new
PAUSE_S = 0.05  # between two dry runs: 20 a second, however many namespaces there are
AT_ONCE = 20  # dry runs until it is looked again which namespaces are new
KEPT = 6  # comparisons in a row that may fail before what was found last does not count any more
# Break-glass is for the hour in which things time out: what was proven counts for so long on.
HELD_S = 300.0

_log = logging.getLogger(__name__)
_MEANS = {
    Enforcement.PROVEN: "is enforced",
    Enforcement.ALTERED: "is not the one that this version ships, or its binding is not",
    Enforcement.ADMITTED: "is not enforced: who writes TokenChecks there is asked for no right",
    Enforcement.UNGUARDED: "rests on that on TokenProviders or that on authors, which is another"
    " one than this version ships",
    Enforcement.UNKNOWN: "could not be tried",
}


class AdmissionProof:
    """Knows of each namespace with TokenChecks what a dry run there has shown last.

    Args:
        transport: sends the dry runs.
        namespaces: those with TokenChecks that are held.
        concerns: whether a check there is this process's business.
        changed: takes the namespaces of which `guards_bypass` says something else than before.
        stamps: whether authors are reviewed, so that the policies on their names are needed too.
        every_s: seconds between two proofs of a namespace.
        held_s: seconds for which what was known of break-glass counts while it is not known.
    """

    def __init__(
        self,
        transport: Transport,
        namespaces: Callable[[], Iterable[str]],
        concerns: Callable[[Key], bool],
        *,
        changed: Callable[[frozenset[str]], None] = lambda _: None,
        stamps: bool = False,
        every_s: float = EVERY_S,
        held_s: float = HELD_S,
    ) -> None:
        """Know nothing yet."""
        self._needed = (Guard.PROVIDER, Guard.STAMP) if stamps else (Guard.PROVIDER,)
        # Whoever could make the policies name another operator could take them away.
        self._installation = Installation(operators=frozenset(), stamps=stamps)
        self._transport = transport
        self._namespaces = namespaces
        self._concerns = concerns
        self._changed = changed
        self._every_s = every_s
        self._held_s = held_s
        self._soon_s = min(SOON_S, every_s)
        self._compared = asyncio.Event()
        self._forget()

    def _forget(self) -> None:
        self._compared.clear()
        self._installed: Installed | None = None  # None: nothing was compared yet
        self._compared_at = -math.inf
        self._guarded: bool | None = None  # whether the policies beside it are those that ship
        self._guarded_at = -math.inf  # when that was known
        self._bypass: bool | None = None  # whether that on break-glass is
        self._shown: dict[str, Enforcement] = {}  # by the dry run alone
        self._tried_at: dict[str, float] = {}
        self._sure_at: dict[str, float] = {}  # when something certain was known of break-glass
        self._said: dict[str, Enforcement] = {}
        self._proofs: dict[str, BypassProof] = {}

    def known(self) -> Mapping[str, Enforcement]:
        """Return what is known, by namespace."""
        return {name: self._judged(found) for name, found in self._shown.items()}

    def of(self, namespace: str) -> Enforcement | None:
        """Return what was found there last; None where nothing was tried yet."""
        found = self._shown.get(namespace)
        return None if found is None else self._judged(found)

    def guards_bypass(self, namespace: str) -> BypassProof:
        """Return whether nobody there breaks the glass without the right.

        The dry run shows that such policies are enforced there, the comparison that this one is.
        The policies beside it have no say in it.
        """
        return self._proofs.get(namespace, BypassProof.AWAITED)

    async def run(self) -> None:
        """Prove for ever."""
        await asyncio.gather(self._compare_for_ever(), self._try_for_ever())

    async def _compare_for_ever(self) -> None:
        while True:
            if not self._wanted():
                self._forget()  # who takes over later begins anew
            elif time.monotonic() >= self._compared_at + self._soon_s:
                await self._compare()
            self._settle()
            await asyncio.sleep(min(LOOK_EVERY_S, self._every_s))

    async def _try_for_ever(self) -> None:
        while True:
            await self._compared.wait()
            if not await self._round():
                await asyncio.sleep(min(LOOK_EVERY_S, self._every_s))

    async def _round(self) -> bool:
        """Try where it is due, new namespaces first; return whether more may be due already."""
        wanted = self._wanted()
        for gone in self._shown.keys() - wanted:
            del self._shown[gone], self._tried_at[gone]
        began = time.monotonic()
        due = sorted(name for name in wanted if began >= self._due_at(name))
        due.sort(key=lambda name: self._tried_at.get(name, -math.inf))
        for name in due[:AT_ONCE]:
            if self._installed is None:
                return False
            found = await try_probe(self._transport, name, self._installed)
            # Not all in the same second for ever.
            self._tried_at[name] = time.monotonic() - jitter(self._every_s, 1.0) / 10
            self._shown[name] = found
            await asyncio.sleep(PAUSE_S)
        self._settle()
        return len(due) > AT_ONCE

    async def _compare(self) -> None:
        """Know of what stands in the cluster; what is gone is no more proven anywhere."""
        self._compared_at = time.monotonic()
        self._installed = installed = await read_installed(self._transport)
        self._bypass = await self._ships(Guard.BYPASS)
        found = [await self._ships(guard) for guard in self._needed]
        guarded = None if None in found and False not in found else all(found)
        # One read that fails is not the end of every proof: a dry run's lasts as long.
        if guarded is not None or self._compared_at >= self._guarded_at + KEPT * self._soon_s:
            self._guarded = guarded
        if guarded is not None:
            self._guarded_at = self._compared_at
        if installed.absent or installed.shipped is False:
            worse = Enforcement.ADMITTED if installed.absent else Enforcement.ALTERED
            for name, shown in self._shown.items():
                if shown is Enforcement.PROVEN:  # again only after a dry run
                    self._shown[name] = worse
        self._compared.set()

    async def _ships(self, guard: Guard) -> bool | None:
        found = await read_guard(self._transport, guard, self._installation)
        unknown = isinstance(found, Unread) and not isinstance(found, Absent)
        return None if unknown else found is True

    def _wanted(self) -> set[str]:
        """Return the namespaces that are this process's business; of a standby there are none."""
        return {name for name in self._namespaces() if self._concerns(Key("TokenCheck", name, ""))}

    def _judged(self, found: Enforcement) -> Enforcement:
        """Return what a dry run has shown, in the light of the policies on which it rests."""
        if found not in (Enforcement.PROVEN, Enforcement.UNKNOWN):
            return found
        if self._guarded is False:
            return Enforcement.UNGUARDED  # what is left of those may have refused it first
        return found if self._guarded else Enforcement.UNKNOWN

    def _due_at(self, namespace: str) -> float:
        tried_at = self._tried_at.get(namespace)
        if tried_at is None:
            return 0.0
        proven = self.of(namespace) is Enforcement.PROVEN
        return tried_at + (self._every_s if proven else self._soon_s)

    def _settle(self) -> None:
        """Log what is another than before, and tell it whose gates hang on it."""
        now = time.monotonic()
        for gone in self._said.keys() - self._shown.keys():
            for kept in (self._said, self._proofs, self._sure_at):
                kept.pop(gone, None)
        changed = set()
        for name in self._shown:
            self._tell(name)
            before, self._proofs[name] = self.guards_bypass(name), self._prove(name, now)
            if self._proofs[name] is not before:
                changed.add(name)
        if changed:
            self._changed(frozenset(changed))

    def _prove(self, namespace: str, now: float) -> BypassProof:
        shown = self._shown[namespace]
        if shown is Enforcement.ADMITTED or self._bypass is False:
            proof = BypassProof.MISSING
        elif shown is Enforcement.UNKNOWN or self._bypass is None:
            late = now >= self._sure_at.setdefault(namespace, now) + self._held_s
            return BypassProof.UNKNOWN if late else BypassProof.AWAITED
        else:
            proof = BypassProof.PROVEN
        self._sure_at[namespace] = now
        return proof

    def _tell(self, name: str) -> None:
        found = self._judged(self._shown[name])
        if self._said.get(name) is not found:
            level = logging.INFO if found is Enforcement.PROVEN else logging.WARNING
            advice = "" if found is Enforcement.PROVEN else "; run: tokencheck doctor"
            means = _MEANS[found]
            _log.log(level, "namespace %s: the admission policy %s%s", name, means, advice)
        self._said[name] = found
