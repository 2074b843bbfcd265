"""The search of one pass: what it may cost, and what was not searched because of that."""

import asyncio

from tokencheck.core.tokens.documents import WHOLE_VALUE, reading_cost, token_steps
from tokencheck.core.tokens.fingerprint import fingerprint
from tokencheck.core.tokens.formats import MAX_YAML_BYTES
from tokencheck.core.tokens.read import read_token
from tokencheck.gather.finds import Found
from tokencheck.gather.sources import Sources
from tokencheck.gather.turns import in_turns
from tokencheck.model.evidence import SEARCHED_TOKENS, SEARCHED_YAML_BYTES
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import Trust

# About 5 ms of YAML, and less of anything else: then others have their turn.
_TURN_BYTES = 4 * 1024


class Search:
    """Searches values within the budget of one pass.

    What a value costs is the same whether it was searched before or not: so every pass over the
    same Secrets sees the same tokens.
    """

    def __init__(self, sources: Sources) -> None:
        """Start with the whole budget."""
        self._sources = sources
        self._tokens_left = SEARCHED_TOKENS
        self._yaml_left: dict[str, int] = {}
        self._unyielded = 0
        self._unsearched: dict[str, None] = {}

    @property
    def unsearched(self) -> tuple[str, ...]:
        """Return Secret and key of the values that were not searched to their end."""
        return tuple(self._unsearched)

    def take(self, place: str) -> bool:
        """Return whether one more token may be told; if not, the value at `place` is named."""
        if self._tokens_left == 0:
            self._unsearched[place] = None
            return False
        self._tokens_left -= 1
        return True

    async def value(self, secret: str, key: str, called: str, value: Sealed) -> Found | None:
        """Return the tokens of a value; None when the budget does not allow to search it.

        Args:
            secret: its Secret, which has a budget of its own.
            key: its key.
            called: all names by which the value goes: they tell whether an opaque text is a token.
            value: the value.
        """
        place = f"{secret}/{key}"
        if self._tokens_left == 0:
            self._unsearched[place] = None
            return None
        mark = fingerprint(value, self._sources.fingerprint_key, about=called)
        found = self._sources.finds.get(mark)
        cost = found.cost if found else reading_cost(value)
        left = self._yaml_left.get(secret, SEARCHED_YAML_BYTES)
        if cost > min(left, MAX_YAML_BYTES):
            self._unsearched[place] = None
            return None
        self._yaml_left[secret] = left - cost
        if found is None:
            found = await self._read(called, value, cost)
            if not _is_token(found):  # then there is nothing to save: a token alone is read quickly
                self._sources.finds.put(mark, found)
            await self._turn(len(value))
        return found

    async def _read(self, called: str, value: Sealed, cost: int) -> Found:
        key = self._sources.fingerprint_key
        tokens = await in_turns(token_steps(called, value))
        return Found(
            cost=cost,
            size=sum(len(text) for _, text in tokens),
            tokens=tuple(
                (path, read_token(text, Trust(), fingerprint_key=key)) for path, text in tokens
            ),
        )

    async def _turn(self, read: int) -> None:
        """Let others have their turn when much was read since the last one."""
        self._unyielded += read
        if self._unyielded > _TURN_BYTES:
            self._unyielded = 0
            await asyncio.sleep(0)


def _is_token(found: Found) -> bool:
    return len(found.tokens) == 1 and found.tokens[0][0] == WHOLE_VALUE
