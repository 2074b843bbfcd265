"""Asking a registry, or its token server, about one login, and what it says to nobody."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from tokencheck.api.registry import Scope
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.api.vendor import Vendor
from tokencheck.core.questions.replies import Faulted
from tokencheck.core.questions.vendors import basic
from tokencheck.core.questions.vendors.registry import (
    Given,
    Heard,
    given,
    is_for_somebody,
    meaning_of,
    question,
    refused,
    token_in,
    with_access,
)
from tokencheck.core.tokens.jws import Jws, parse_jws
from tokencheck.core.tokens.strict import strict_json
from tokencheck.gather.ask_token import destination_of
from tokencheck.model.activity import Answer
from tokencheck.model.asking import Login, NoReply, Question, Reply
from tokencheck.model.ports import Asker
from tokencheck.model.sealed import Sealed

Reading: TypeAlias = Callable[[Reply | NoReply], Heard | Faulted]

# What a server says to nobody changes when an admin opens or closes a repository, or puts a proxy
# before it; until it is asked again a login may be judged by what no longer holds.
KEPT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What nobody heard, as the `number`-th answer, to a question that began at `asked_at`."""

    number: int
    asked_at: datetime
    heard: Heard | Faulted


class Nobody:
    """What one registry says to who shows no login: asked once a minute, whoever needs it."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """Know nothing yet.

        Args:
            clock: aware UTC.
        """
        self.clock = clock
        self._answers = 0
        self._said: dict[Scope | None, _Said] = {}
        self._turn = asyncio.Lock()

    async def hears(
        self,
        asked: Question,
        scope: Scope | None,
        asker: Asker,
        read: Reading,
        *,
        since: datetime | None = None,
    ) -> Heard | Faulted:
        """Return what it says to this question; a fault is for those that waited for it alone.

        Args:
            scope: by which the question is known.
            read: what its answer means.
            since: what was asked before then does not count.
        """
        before = self._answers
        async with self._turn:
            now, known = self.clock(), self._said.get(scope)
            late = known is not None and since is not None and known.asked_at < since
            if known is not None and not late and (known.number > before or _counts(known, now)):
                return known.heard
            heard = read(await asker.ask(asked))
            self._answers += 1
            self._said[scope] = _Said(number=self._answers, asked_at=now, heard=heard)
            return heard


def _counts(known: _Said, now: datetime) -> bool:
    """Return whether it still holds; a clock that was set back says nothing of that."""
    fresh = timedelta() <= now - known.asked_at < KEPT
    return fresh and not isinstance(known.heard, Faulted)


async def ask_registry(
    provider: TokenProvider, vendor: Vendor, pair: Sealed, asker: Asker, nobody: Nobody
) -> Answer | Faulted:
    """Return whether the registry lets the user in, or why that is not known.

    The login is shown only where it is known what nobody hears. To be let in is asked for first,
    then the access that the provider names: where the first question says nothing, the second may.

    Args:
        pair: ``USER:PASSWORD``, of an entry of this registry.
    """
    assert vendor.registry is not None  # noqa: S101 - of type Registry
    if vendor.registry.service is None:
        return await _ask_itself(provider, vendor, pair, asker, nobody)
    bare = await _asked(provider, vendor, None, pair, asker=asker, nobody=nobody)
    scope = vendor.registry.scope
    if scope is None or isinstance(bare, Faulted):
        return bare if isinstance(bare, Faulted) else meaning_of(*bare, bare=True)
    first = meaning_of(*bare, bare=True)
    if isinstance(first, Answer) and not first.active:
        return first
    scoped = await _asked(provider, vendor, scope, pair, asker=asker, nobody=nobody)
    if isinstance(scoped, Faulted):
        return scoped
    if isinstance(first, Answer):
        return with_access(first, bare[1], scoped[1])
    return meaning_of(*scoped, bare=False)


async def _ask_itself(
    provider: TokenProvider, vendor: Vendor, pair: Sealed, asker: Asker, nobody: Nobody
) -> Answer | Faulted:
    """Return what the registry says of a login that it takes by itself.

    That it lets one in, by now as everybody, is no word about him.
    """
    began, read = nobody.clock(), basic.asked_for_login
    asked = basic.question(vendor, destination_of(provider, vendor.places))
    without = await nobody.hears(asked, None, asker, read)
    if isinstance(without, Faulted):
        return without
    reply = await asker.ask(replace(asked, credential=Login(pair=pair)))
    said = basic.meaning_of(reply, _document(reply))
    if isinstance(said, Answer) and said.active:
        without = await nobody.hears(asked, None, asker, read, since=began)
    return without if isinstance(without, Faulted) else said


async def _asked(
    provider: TokenProvider,
    vendor: Vendor,
    scope: Scope | None,
    pair: Sealed,
    *,
    asker: Asker,
    nobody: Nobody,
) -> tuple[Heard, Heard] | Faulted:
    """Return what nobody hears to a question, and what the user does.

    What everybody hears by now, from a server that is shut or is open again, is no word about him.
    """
    began = nobody.clock()
    asked = question(vendor, destination_of(provider, vendor.places), scope)
    read = partial(interpret, scope=scope)
    without = await nobody.hears(asked, scope, asker, read)
    if isinstance(without, Faulted):
        return without
    with_login = read(await asker.ask(replace(asked, credential=Login(pair=pair))))
    if isinstance(with_login, Faulted):
        return with_login
    decides = isinstance(meaning_of(without, with_login, bare=scope is None), Answer)
    if decides and not is_for_somebody(with_login):
        without = await nobody.hears(asked, scope, asker, read, since=began)
    return without if isinstance(without, Faulted) else (without, with_login)


def interpret(reply: Reply | NoReply, scope: Scope | None) -> Heard | Faulted:
    """Return what a token server said. Total, whatever came.

    A token that stands in it is a credential: this is the one place that sees it.
    """
    document = _document(reply)
    text = token_in(document) if isinstance(reply, Reply) and reply.status == 200 else ""
    return _given(text, scope) if text else refused(reply, document)


def _document(reply: Reply | NoReply) -> object:
    return strict_json(reply.body, "the answer") if isinstance(reply, Reply) else None


def _given(text: str, scope: Scope | None) -> Given:
    # Text of other alphabets is no JWT either: it has no parts.
    token = parse_jws(text.encode("ascii", "replace"))
    return given(token.payload if isinstance(token, Jws) else None, scope)
