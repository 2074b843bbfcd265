"""Our own kinds on their way in: to the shelf, and to the feed when it matters.

The echo of our own status write changes nothing that is judged, so it makes no pass. A status that
is not the one we
wrote (somebody else wrote it) does: it is judged again and overwritten.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import ANNOTATION_CHECK_NOW, TokenCheck
from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.model.change import Cause, Change
from tokencheck.model.keys import Key

_log = logging.getLogger(__name__)


class Shelf(Protocol):
    """Where our objects stand."""

    def check(self, key: Key) -> TokenCheck | None:
        """Return the TokenCheck, or None."""

    def put_check(self, check: TokenCheck) -> None:
        """Put or replace a TokenCheck."""

    def drop_check(self, key: Key) -> None:
        """Take a TokenCheck away."""

    def provider(self, name: str) -> TokenProvider | None:
        """Return the TokenProvider, or None."""

    def put_provider(self, provider: TokenProvider) -> None:
        """Put or replace a TokenProvider."""

    def drop_provider(self, name: str) -> None:
        """Take a TokenProvider away."""


class OwnKinds:
    """Receives every event of our kinds, in the engine's loop."""

    def __init__(
        self,
        shelf: Shelf,
        notice: Callable[[Change], None],
        monotonic: Callable[[], float],
        *,
        writing: Callable[[Key], bool],
    ) -> None:
        """Join shelf and feed; `writing` tells whether a status write of ours is under way."""
        self._shelf = shelf
        self._notice = notice
        self._monotonic = monotonic
        self._writing = writing

    def receive(self, kind: str, event: str | None, obj: Mapping[str, Any]) -> None:
        """Take one object as seen; `event` is ADDED, MODIFIED, DELETED, or None for a listing."""
        if kind == "TokenCheck":
            if event == "DELETED":
                self._deleted(parse_tokencheck(obj))
            elif not self._known(obj.get("metadata") or {}):
                self._receive_check(parse_tokencheck(obj))
        elif kind == "TokenProvider":
            self._receive_provider(event, parse_tokenprovider(obj))

    def lost(self, key: Key) -> None:
        """Take away an object that a compare did not find any more."""
        if key.kind == "TokenCheck":
            self._shelf.drop_check(key)
        else:
            self._shelf.drop_provider(key.name)
        self._tell(key, Cause.SPEC_CHANGED, gone=True)

    def _known(self, meta: Mapping[str, Any]) -> bool:
        """Return whether nothing newer than what we hold: mostly the echo of our own write."""
        known = self._shelf.check(_key_of(meta))
        version = meta.get("resourceVersion", "")
        return (
            known is not None
            and known.uid == meta.get("uid")
            and not _newer(version, known.resource_version)
        )

    def _deleted(self, check: TokenCheck) -> None:
        key = Key("TokenCheck", check.namespace, check.name)
        known = self._shelf.check(key)
        if known is None or known.uid == check.uid:
            self.lost(key)

    def _receive_check(self, check: TokenCheck) -> None:
        key = Key("TokenCheck", check.namespace, check.name)
        known = self._shelf.check(key)
        self._shelf.put_check(check)
        cause = _cause_of(known, check)
        if cause is Cause.RESYNC and self._writing(key):
            return  # the echo came before the answer; if it is not ours, the write meets a conflict
        if cause is not None:
            self._tell(key, cause)

    def _receive_provider(self, event: str | None, provider: TokenProvider) -> None:
        key = Key("TokenProvider", "", provider.name)
        known = self._shelf.provider(provider.name)
        same = known is not None and known.uid == provider.uid
        if event == "DELETED":
            if known is None or same:  # else it was made again, and that came first
                self.lost(key)
            return
        if known and same and _newer(known.resource_version, provider.resource_version):
            return
        self._shelf.put_provider(provider)
        changed = (
            known is None or known.uid != provider.uid or known.generation != provider.generation
        )
        if changed or known is None or known.status != provider.status:
            self._tell(key, Cause.PROVIDER_CHANGED if changed else Cause.RESYNC)

    def _tell(self, key: Key, cause: Cause, *, gone: bool = False) -> None:
        self._notice(Change(key=key, cause=cause, seen_at=self._monotonic(), gone=gone))


def _key_of(meta: Mapping[str, Any]) -> Key:
    return Key("TokenCheck", meta.get("namespace", ""), meta.get("name", ""))


def _newer(version: str, than: str) -> bool:
    """Resource versions can be compared as numbers since Kubernetes 1.35 (KEP-5504).

    Before, any other one is newer.
    """
    if version.isdecimal() and than.isdecimal():
        return int(version) > int(than)
    return version != than


def _cause_of(known: TokenCheck | None, check: TokenCheck) -> Cause | None:
    if known is None or known.uid != check.uid or known.generation != check.generation:
        return Cause.SPEC_CHANGED
    if known.annotations != check.annotations:
        moved = known.annotations.get(ANNOTATION_CHECK_NOW) != check.annotations.get(
            ANNOTATION_CHECK_NOW
        )
        return Cause.REQUESTED if moved else Cause.SPEC_CHANGED
    return Cause.RESYNC if known.status != check.status else None
