"""Our own kinds on their way in: to the shelf, and to the feed when it matters.

The echo of our own status write changes nothing that is judged, so it makes no pass. A status that
is not the one we wrote (somebody else wrote it) does: it is judged again and overwritten. Which of
the two an event is can be told when the write has its answer, so until then it waits.

Events may come late and in any order: an older one than is held says nothing. Only a read of now
can show that the object itself is an older one, because the API server was restored.

When a CRD is given another schema, fields of a spec are gone, or are back, and its version and
generation stay. Watches end by it, and the list that follows is compared with what is held.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import ANNOTATION_CHECK_NOW, TokenCheck
from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.model.change import Cause, Change
from tokencheck.model.keys import MATCHING, Key

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
        others: Callable[[Key, Mapping[str, Any]], bool] = lambda _key, _status: False,
    ) -> None:
        """Join shelf and feed.

        Args:
            shelf: where objects stand.
            notice: told of what matters.
            monotonic: seconds that only grow.
            writing: tells whether a status write of ours is under way.
            others: told of each status that is not the one we knew; returns whether another process
                leads the object, so that it is not for us to judge it for that.
        """
        self._shelf = shelf
        self._notice = notice
        self._monotonic = monotonic
        self._writing = writing
        self._others = others
        self._waiting: dict[Key, Mapping[str, Any]] = {}  # the newest that came during a write
        self._specs: dict[Key, int] = {}  # as they came: to parse one costs more than all the rest

    def receive(self, kind: str, event: str | None, obj: Mapping[str, Any]) -> None:
        """Take one object as seen; `event` is ADDED, MODIFIED, DELETED, or None for a listing."""
        if kind == "TokenCheck":
            key = _key_of(meta := obj.get("metadata") or {})
            if event == "DELETED":
                self._deleted(parse_tokencheck(obj))
            elif self._writing(key):
                self._keep(key, obj)
            elif not self._known(meta):
                self._receive_check(self._parsed(key, obj))
            elif event is None and self._specs.get(key) != _digest(obj):
                self._list_check(key, obj)
        elif kind == "TokenProvider":
            self._receive_provider(event, parse_tokenprovider(obj))

    def settle(self, key: Key) -> None:
        """Take what came while a status write of `key` was under way, now that it is over."""
        obj = self._waiting.pop(key, None)
        if obj is not None:
            self.receive(key.kind, None, obj)

    def held(self, key: Key) -> str:
        """Return the resourceVersion that is held of an object, "" when none is."""
        known = self._shelf.check(key) or (
            self._shelf.provider(key.name) if key.kind == "TokenProvider" else None
        )
        return known.resource_version if known else ""

    def read(self, key: Key, held: str, obj: Mapping[str, Any]) -> bool:
        """Take one object as a consistent read found it, and return whether time has gone back.

        Args:
            key: of the object.
            held: the resourceVersion that was held when the read began, "" when none was: a
                server that shows an older one has lost what came between.
            obj: what was read.
        """
        version = _version_of(obj)
        back = version.isdecimal() and held.isdecimal() and int(version) < int(held)
        if back:
            self._drop(key)
        if key.kind != "TokenCheck":
            self._receive_provider(None, parse_tokenprovider(obj))
        elif not self._known(obj.get("metadata") or {}):
            self._receive_check(self._parsed(key, obj))
        return back

    def lost(self, key: Key) -> None:
        """Take away an object that a compare did not find any more."""
        provider = self._shelf.provider(key.name) if key.kind == MATCHING.kind else None
        self._drop(key)
        self._tell_matched(provider)
        self._tell(key, Cause.SPEC_CHANGED, gone=True)

    def _drop(self, key: Key) -> None:
        self._waiting.pop(key, None)
        self._specs.pop(key, None)
        if key.kind == "TokenCheck":
            self._shelf.drop_check(key)
        else:
            self._shelf.drop_provider(key.name)

    def _keep(self, key: Key, obj: Mapping[str, Any]) -> None:
        waiting = self._waiting.get(key)
        if waiting is None or newer(_version_of(obj), _version_of(waiting)):
            self._waiting[key] = obj

    def is_known(self, place: tuple[str, str], uid: str, version: str) -> bool | None:
        """Return whether a TokenCheck is not newer than what we hold: the echo of our own write.

        None while its status is being written: the answer will tell. Any thread may ask; it looks
        twice at what another one changes, and a stale look costs no more than an echo.
        """
        key = Key("TokenCheck", *place)
        return None if self._writing(key) else self._holds(key, uid, version)

    def _holds(self, key: Key, uid: str, version: str) -> bool:
        known = self._shelf.check(key)
        return known is not None and known.uid == uid and not newer(version, known.resource_version)

    def _known(self, meta: Mapping[str, Any]) -> bool:
        return self._holds(_key_of(meta), meta.get("uid", ""), meta.get("resourceVersion", ""))

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
        if cause is Cause.RESYNC and self._others(key, check.status):
            return
        if cause is not None:
            self._tell(key, cause)

    def _parsed(self, key: Key, obj: Mapping[str, Any]) -> TokenCheck:
        self._specs[key] = _digest(obj)
        return parse_tokencheck(obj)

    def _list_check(self, key: Key, obj: Mapping[str, Any]) -> None:
        """Take a spec that another schema shows of the version that is held."""
        known = self._shelf.check(key)
        if known is None or known.resource_version != _version_of(obj):
            return
        check = self._parsed(key, obj)
        if known.spec != check.spec:
            self._shelf.put_check(check)
            self._tell(key, Cause.SPEC_CHANGED)

    def _receive_provider(self, event: str | None, provider: TokenProvider) -> None:
        key = Key("TokenProvider", "", provider.name)
        known = self._shelf.provider(provider.name)
        same = known is not None and known.uid == provider.uid
        if event == "DELETED":
            if known is None or same:  # else it was made again, and that came first
                self.lost(key)
            return
        if known and same and newer(known.resource_version, provider.resource_version):
            return
        self._shelf.put_provider(provider)
        if known is None or _without_status(known) != _without_status(provider):
            self._tell(key, Cause.PROVIDER_CHANGED)
            self._tell_matched(provider, known)
        elif known.status != provider.status and not self._others(key, provider.status):
            self._tell(key, Cause.RESYNC)

    def _tell_matched(self, *providers: TokenProvider | None) -> None:
        """A provider that matches, or did, is for checks that do not name it."""
        if any(one.match or one.match_issuer for one in providers if one):
            self._tell(MATCHING, Cause.PROVIDER_CHANGED)

    def _tell(self, key: Key, cause: Cause, *, gone: bool = False) -> None:
        self._notice(Change(key=key, cause=cause, seen_at=self._monotonic(), gone=gone))


def _key_of(meta: Mapping[str, Any]) -> Key:
    return Key("TokenCheck", meta.get("namespace", ""), meta.get("name", ""))


def _version_of(obj: Mapping[str, Any]) -> str:
    version: str = (obj.get("metadata") or {}).get("resourceVersion", "")
    return version


def newer(version: str, than: str) -> bool:
    """Return whether a resourceVersion is newer than another.

    They can be compared as numbers since Kubernetes 1.35 (KEP-5504). Before, any other one is
    newer.
    """
    if version.isdecimal() and than.isdecimal():
        return int(version) > int(than)
    return version != than


def _digest(obj: Mapping[str, Any]) -> int:
    return hash(repr(obj.get("spec")))


def _without_status(provider: TokenProvider) -> TokenProvider:
    return replace(provider, resource_version="", status={})


def _cause_of(known: TokenCheck | None, check: TokenCheck) -> Cause | None:
    if known is None or known.uid != check.uid or known.generation != check.generation:
        return Cause.SPEC_CHANGED
    if known.annotations != check.annotations:
        moved = known.annotations.get(ANNOTATION_CHECK_NOW) != check.annotations.get(
            ANNOTATION_CHECK_NOW
        )
        return Cause.REQUESTED if moved else Cause.SPEC_CHANGED
    return Cause.RESYNC if known.status != check.status else None
