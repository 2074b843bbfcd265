"""Proves again and again, in each namespace with TokenChecks, that admission is enforced."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping

from tokencheck.clients.kube.admission import (
    read_guard,
    read_installed,
    try_probe,
)
from tokencheck.clients.kube.limits import jitter
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.rights.guards import Installation
from tokencheck.model.admission import Enforcement, Guard
from tokencheck.model.evidence import Absent, Unread
from tokencheck.model.keys import Key

EVERY_S = 60.0  # between two proofs of a namespace
SOON_S = 10.0  # where it is not proven: who mends it wants to see it
LOOK_EVERY_S = 1.0  # for namespaces that are new
PAUSE_S = 0.05  # between two dry runs: 20 a second, however many namespaces there are

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
        stamps: whether authors are reviewed, so that the policies on their names are needed too.
        every_s: seconds between two proofs of a namespace.
    """

    def __init__(
        self,
        transport: Transport,
        namespaces: Callable[[], Iterable[str]],
        concerns: Callable[[Key], bool],
        *,
        stamps: bool = False,
        every_s: float = EVERY_S,
    ) -> None:
        """Know nothing yet."""
        self._needed = (Guard.PROVIDER, Guard.STAMP) if stamps else (Guard.PROVIDER,)
        # Whoever could make the policies name another operator could take them away.
        self._installation = Installation(operators=frozenset(), stamps=stamps)
        self._guarded: bool | None = None
        self._compared_at = -math.inf
        self._transport = transport
        self._namespaces = namespaces
        self._concerns = concerns
        self._every_s = every_s
        self._known: dict[str, Enforcement] = {}
        self._bypass: bool | None = None  # whether its policy is the one that ships
        self._tried_at: dict[str, float] = {}

    def known(self) -> Mapping[str, Enforcement]:
        """Return what is known, by namespace."""
        return dict(self._known)

    def of(self, namespace: str) -> Enforcement | None:
        """Return what was found there last; None where nothing was tried yet."""
        return self._known.get(namespace)

    def guards_bypass(self, namespace: str) -> bool | None:
        """Return whether nobody there breaks the glass without the right; None: not tried yet.

        The dry run shows that such policies are enforced there, the comparison that this one is.
        """
        found = self.of(namespace)
        return None if found is None else found is Enforcement.PROVEN and self._bypass

    async def run(self) -> None:
        """Prove for ever."""
        while True:
            await self._round()
            await asyncio.sleep(min(LOOK_EVERY_S, self._every_s))

    async def _round(self) -> None:
        wanted = {
            name for name in self._namespaces() if self._concerns(Key("TokenCheck", name, ""))
        }
        for gone in self._known.keys() - wanted:
            del self._known[gone], self._tried_at[gone]
        began = time.monotonic()
        due = [name for name in sorted(wanted) if began >= self._due_at(name)]
        if not due:
            return
        installed = await read_installed(self._transport)
        await self._compare(began)
        for name in due:
            found = await try_probe(self._transport, name, installed, guarded=self._guarded)
            self._tell(name, found)
            # Not all in the same second for ever.
            self._tried_at[name] = time.monotonic() - jitter(self._every_s, 1.0) / 10
            await asyncio.sleep(PAUSE_S)

    async def _compare(self, now: float) -> None:
        """Know of the policies beside it; many namespaces are due in many rounds."""
        if now < self._compared_at + min(SOON_S, self._every_s):
            return
        self._compared_at = now
        bypass = await read_guard(self._transport, Guard.BYPASS, self._installation)
        self._bypass = bypass is True
        found = [
            await read_guard(self._transport, guard, self._installation) for guard in self._needed
        ]
        if any(isinstance(one, Unread) and not isinstance(one, Absent) for one in found):
            self._guarded = None
        else:
            self._guarded = all(one is True for one in found)

    def _due_at(self, namespace: str) -> float:
        tried_at = self._tried_at.get(namespace)
        if tried_at is None:
            return 0.0
        proven = self._known[namespace] is Enforcement.PROVEN
        return tried_at + (self._every_s if proven else min(SOON_S, self._every_s))

    def _tell(self, namespace: str, found: Enforcement) -> None:
        if self._known.get(namespace) is not found:
            level = logging.INFO if found is Enforcement.PROVEN else logging.WARNING
            advice = "" if found is Enforcement.PROVEN else "; run: tokencheck doctor"
            _log.log(
                level,
                "namespace %s: the admission policy %s%s",
                namespace,
                _MEANS[found],
                advice,
            )
        self._known[namespace] = found
