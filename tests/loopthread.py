"""An asynchronous context manager for tests that are not asynchronous."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, Self, TypeVar

Inner = TypeVar("Inner", bound=AbstractAsyncContextManager[Any])
PATIENCE_S = 30.0


class LoopThread(Generic[Inner]):
    """``inner`` lives in an event loop and a thread of its own. Use it with ``with``."""

    def __init__(self, inner: Inner) -> None:
        """It is not entered."""
        self.inner = inner
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._await(self.inner.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self._await(self.inner.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def do(self, act: Callable[[Inner], Any]) -> Any:
        """What ``act`` returns, called with ``inner`` in its own loop."""

        async def acted() -> Any:
            result = act(self.inner)
            return await result if inspect.isawaitable(result) else result

        return self._await(acted())

    def _await(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)
