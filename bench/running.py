"""Runs one stage; what goes wrong is a message, without a traceback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import click

from bench.http import HttpError
from bench.stages.run import Run
from controlplane.process import StartError

T = TypeVar("T")


def measured(name: str, stage: Callable[[Run], Awaitable[T]], run: Run) -> T:
    """What the stage found.

    Raises:
        click.ClickException: a process ended, did not answer in time, or refused.
    """

    async def found() -> T:
        return await stage(run)

    try:
        return asyncio.run(found())
    except* (HttpError, StartError, TimeoutError, ConnectionError, RuntimeError) as failed:
        message = "\n".join(str(error) for error in _leaves(failed))
    raise click.ClickException(f"stage {name}: {message}")


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
