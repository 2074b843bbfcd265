"""The one way from a command into an event loop."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def awaited(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns.

    Libraries and the loop itself log errors with all that they say, and a token may stand in that:
    without a handler Python prints such records. What a command has to say it prints itself.
    """
    logging.getLogger().addHandler(logging.NullHandler())
    return asyncio.run(work)
