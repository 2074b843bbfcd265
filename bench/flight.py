"""Many awaitables, a bounded number at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


async def in_flight(
    width: int,
    work: Iterable[T],
    do: Callable[[T], Awaitable[object]],
    tick: Callable[[], None],
) -> None:
    """Every item is done, at most ``width`` at a time; the first error ends the rest."""
    items: Iterator[T] = iter(work)

    async def worker() -> None:
        for item in items:
            await do(item)
            tick()

    async with asyncio.TaskGroup() as group:
        for _ in range(width):
            group.create_task(worker())
