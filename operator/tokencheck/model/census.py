"""What an audit asks of the world beside the reads of a pass: everything, listed once."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.model.evidence import SecretContent
from tokencheck.model.ports import Inventory
from tokencheck.model.report import Gap
from tokencheck.model.sealed import Sealed
from tokencheck.model.workload import PodRecord, Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A text in a manifest that looks like a token: it stands where everybody may read it.

    Args:
        where: for people: ``env TOKEN of container app``.
        name: of the variable.
    """

    where: str
    name: str
    text: Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """A workload that nothing else controls.

    Args:
        workload: as passes see it.
        literals: texts of its Pod template that look like tokens.
        automounts: whether its Pods get the API server's token by themselves.
    """

    workload: Workload
    literals: tuple[Literal, ...] = ()
    automounts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardcoded:
    """A literal, recognised; its text is gone."""

    where: str
    name: str
    kind: str
    expires_at: datetime | None = None


class Census(Inventory, Protocol):
    """An inventory that was taken at once; its reads answer from the lists.

    `survey` comes first, then `secrets`.
    """

    async def survey(self) -> tuple[Surveyed, ...]:
        """Return the workloads; from now on `workload` and `pods` answer."""

    def all_pods(self) -> Iterable[PodRecord]:
        """Return all Pods, so that what only some of them mount is not taken for unused."""

    def checks(self) -> tuple[TokenCheck, ...]:
        """Return the TokenChecks that exist and could be read."""

    def secrets(self) -> AsyncIterator[SecretContent]:
        """Yield every readable Secret once, its values sealed."""

    def keep(self, content: SecretContent) -> None:
        """Let `secret` answer with this one until `drop`."""

    def drop(self, namespace: str, name: str) -> None:
        """Hold the Secret no longer."""

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Return what could not be listed."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what to know about the lists that leaves no token out."""

    @property
    def namespaces(self) -> int:
        """Return how many Namespaces were looked at."""
