"""Proves again and again, in each namespace with TokenChecks, that admission is enforced.

Two tasks: one compares with what ships the policies that stand in the cluster, whenever a watch
tells of a change; the other tries in each namespace in turn, which takes long where there are many.
What is found to be gone counts for all namespaces at once.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping

from tokencheck.app.standing import Standing
from tokencheck.clients.kube.admission import try_probe
from tokencheck.clients.kube.limits import jitter
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.admission import BypassProof, Enforcement
from tokencheck.model.keys import Key

EVERY_S = 60.0  # between two proofs of a namespace; between two comparisons while a watch sees
SOON_S = 10.0  # where it is not proven: who mends it wants to see it; where nothing is watched
LOOK_EVERY_S = 1.0  # for namespaces that are new
PAUSE_S = 0.05  # between two dry runs: 20 a second, however many namespaces there are
AT_ONCE = 20  # dry runs until it is looked again which namespaces are new
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
        self._transport = transport
        self._namespaces = namespaces
        self._concerns = concerns
        self._changed = changed
        self._every_s = every_s
        self._held_s = held_s
        self._soon_s = min(SOON_S, every_s)
        self._standing = Standing(transport, stamps=stamps, every_s=every_s, soon_s=self._soon_s)
        self._compared = asyncio.Event()
        self._forget()

    def _forget(self) -> None:
        self._compared.clear()
        self._standing.forget()
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
        """Prove until cancelled."""
        try:
            await asyncio.gather(self._compare_for_ever(), self._try_for_ever())
        finally:
            self._forget()

    async def _compare_for_ever(self) -> None:
        look_s = min(LOOK_EVERY_S, self._every_s)
        while True:
            if not self._wanted():
                self._forget()  # who takes over later begins anew
                await asyncio.sleep(look_s)
            elif await self._standing.compare_when_due(look_s):
                self._conclude()
            self._settle()

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
            installed = self._standing.installed
            if installed is None:
                return False
            found = await try_probe(self._transport, name, installed)
            if self._standing.installed != installed:
                return True  # what was tried stands there no more
            # Not all in the same second for ever.
            self._tried_at[name] = time.monotonic() - jitter(self._every_s, 1.0) / 10
            self._shown[name] = found
            await asyncio.sleep(PAUSE_S)
        self._settle()
        return len(due) > AT_ONCE

    def _conclude(self) -> None:
        """Take what is gone for proven nowhere any more."""
        installed = self._standing.installed
        if installed is not None and (installed.absent or installed.shipped is False):
            worse = Enforcement.ADMITTED if installed.absent else Enforcement.ALTERED
            for name, shown in self._shown.items():
                if shown is Enforcement.PROVEN:  # again only after a dry run
                    self._shown[name] = worse
        self._compared.set()

    def _wanted(self) -> set[str]:
        """Return the namespaces that are this process's business; of a standby there are none."""
        return {name for name in self._namespaces() if self._concerns(Key("TokenCheck", name, ""))}

    def _judged(self, found: Enforcement) -> Enforcement:
        """Return what a dry run has shown, in the light of the policies on which it rests."""
        if found not in (Enforcement.PROVEN, Enforcement.UNKNOWN):
            return found
        if self._standing.guarded is False:
            return Enforcement.UNGUARDED  # what is left of those may have refused it first
        return found if self._standing.guarded else Enforcement.UNKNOWN

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
        if shown is Enforcement.ADMITTED or self._standing.bypass is False:
            proof = BypassProof.MISSING
        elif shown is Enforcement.UNKNOWN or self._standing.bypass is None:
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
