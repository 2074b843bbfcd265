"""Long work in turns: everybody else has theirs between any two."""

import asyncio
from typing import TypeVar

from tokencheck.core.tokens.formats import Steps

T = TypeVar("T")


async def in_turns(steps: Steps[T]) -> T:
    """Return what `steps` come to."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        await asyncio.sleep(0)
