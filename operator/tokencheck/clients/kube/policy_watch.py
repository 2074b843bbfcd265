"""Watches the chart's policies and their bindings: who changes one is noticed at once."""

import asyncio
from collections.abc import Callable, Iterable

from msgspec import Raw

from tokencheck.clients.kube.decode import Place
from tokencheck.clients.kube.fleet import supervise
from tokencheck.clients.kube.informer import Informer
from tokencheck.clients.kube.resources import (
    MUTATING_BINDINGS,
    MUTATING_POLICIES,
    POLICY_BINDINGS,
    VALIDATING_POLICIES,
    Resource,
)
from tokencheck.clients.kube.transport import Transport
from tokencheck.clients.kube.watching import Pace, State, Target

# Who may not watch is asked for no favour every few seconds: they are read all the same.
_PACE = Pace(denied_cap_s=60.0)


class PolicyWatch:
    """Says that something has changed, never what: that is read anew, to be compared.

    One watch for each kind, of metadata alone, as RBAC can name no object of a list.

    Args:
        names: of the policies; their bindings are called as they are.
        stamps: whether policies that write are watched too.
        changed: called at each change, and when a watch begins or ends to see.
    """

    def __init__(
        self,
        transport: Transport,
        names: Iterable[str],
        *,
        stamps: bool,
        changed: Callable[[], None],
    ) -> None:
        """Watch nothing yet."""
        self._names = frozenset(names)
        kinds: tuple[Resource, ...] = (VALIDATING_POLICIES, POLICY_BINDINGS)
        kinds += (MUTATING_POLICIES, MUTATING_BINDINGS) if stamps else ()
        self._informers = [
            Informer(
                transport,
                self._target(kind),
                on_change=lambda *_: changed(),
                on_state=lambda *_: changed(),
                pace=_PACE,
            )
            for kind in kinds
        ]

    def _target(self, kind: Resource) -> Target[bool]:
        return Target(
            name=kind.plural,
            path=kind.path() or "",
            record=_there,
            metadata_only=True,
            wanted=self._wanted,
        )

    def _wanted(self, place: Place) -> bool:
        return place[1] in self._names

    @property
    def sees(self) -> bool:
        """Return whether each change is told: without the right to watch none is."""
        return all(informer.state is State.SYNCED for informer in self._informers)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for informer in self._informers:
                group.create_task(supervise(informer), name=f"policies {informer.target.name}")


def _there(_: Raw | bytes) -> bool:
    return True
