"""What an informer keeps of its objects, and word of each change of it."""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Generic, Self, TypeVar

from msgspec import Raw

from tokencheck.clients.kube.decode import Place
from tokencheck.clients.kube.watching import Target

R = TypeVar("R")
UNKNOWN = -1
_LOG = logging.getLogger(__name__)


class Store(Generic[R]):
    """The wanted objects of a target, each reduced to its record and its version."""

    def __init__(
        self, target: Target[R], on_change: Callable[[Place, R | None, R | None], None]
    ) -> None:
        """Hold nothing yet.

        Args:
            target: which objects, and what is kept of each.
            on_change: told (place, old record or None, new record or None) of each change; both
                None: deleted, and its record was never kept.
        """
        self._target = target
        self._on_change = on_change
        self._records: dict[Place, R] = {}
        self._versions: dict[Place, int] = {}

    def get(self, place: Place) -> R | None:
        """Return the record of an object, or None when it is not known."""
        return self._records.get(place)

    def records(self) -> Mapping[Place, R]:
        """Return all records, as a live view."""
        return MappingProxyType(self._records)

    def version(self, place: Place) -> int:
        """Return the version that is held of an object, UNKNOWN without one."""
        return self._versions.get(place, UNKNOWN)

    def places(self) -> set[Place]:
        """Return which objects are held now."""
        return set(self._versions)

    def remember(self, place: Place, version: int, record: R) -> bool:
        """Return whether what a direct read found is newer, and so is kept; nobody is told."""
        if version <= self.version(place):
            return False
        self._versions[place], self._records[place] = version, record
        return True

    def forget(self, place: Place) -> None:
        """Keep nothing of an object that is not wanted any more; nobody is told."""
        self._versions.pop(place, None)
        self._records.pop(place, None)

    def adopt(self, other: Self) -> None:
        """Hold what another store knows too; nobody is told."""
        self._versions.update(other._versions)
        self._records.update(other._records)

    def take(self, place: Place, version: int, raw: Raw) -> None:
        """Hold an object as it is now, if it is wanted, and tell it."""
        if not self._target.wanted(place):
            return
        old = self._records.get(place)
        try:
            record = self._target.record(raw)
            if record is None:
                self.drop(place)
                return
            self._versions[place] = version
            self._records[place] = record
            self._on_change(place, old, record)
        except Exception as error:  # noqa: BLE001 - one object that nobody foresaw must not blind the rest
            self._report(place, error)

    def drop(self, place: Place, *, told: bool = False) -> None:
        """Forget an object, and tell it when it was known or when `told` says so."""
        known = self._versions.pop(place, None) is not None
        old = self._records.pop(place, None)
        if not known and not told:
            return
        try:
            self._on_change(place, old, None)
        except Exception as error:  # noqa: BLE001 - as in take
            self._report(place, error)

    def _report(self, place: Place, error: Exception) -> None:
        _LOG.error(
            "%s %s/%s: %s while taking a change; this object is not followed",
            self._target.name,
            *place,
            type(error).__name__,
        )
