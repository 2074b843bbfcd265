"""What an audit asks of the world beside the reads of a pass: everything, listed once."""

from collections.abc import AsyncIterator, Iterable, Mapping
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsearched:
    """A value that was too much to be searched; it may hold tokens."""

    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMapContent:
    """A ConfigMap, its text values sealed: somebody may have taken it for a Secret."""

    namespace: str
    name: str
    values: Mapping[str, Sealed]


class Census(Inventory, Protocol):
    """An inventory that was taken at once; its reads answer from the lists.

    `survey` comes first, then the others.
    """

    async def survey(self) -> tuple[Surveyed, ...]:
        """Return the workloads; from now on `workload` and `pods` answer."""

    def all_pods(self) -> Iterable[PodRecord]:
        """Return all Pods, so that what only some of them mount is not taken for unused."""

    def checks(self) -> tuple[TokenCheck, ...]:
        """Return the TokenChecks that exist and could be read."""

    def secrets(self) -> AsyncIterator[SecretContent]:
        """Yield every readable Secret once, its values sealed."""

    def config_maps(self) -> AsyncIterator[ConfigMapContent]:
        """Yield every readable ConfigMap once."""

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
