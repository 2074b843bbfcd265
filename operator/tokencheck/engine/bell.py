"""How a worker that found nothing to do is told to look again."""

import asyncio
from collections import deque


class Bell:
    """Each ring wakes the one that waits longest; a ring that nobody waits for is lost.

    So whoever waits must have looked right before, without a pause in between.
    """

    def __init__(self) -> None:
        """Nobody waits."""
        self._waiting: deque[asyncio.Future[None]] = deque()

    def ring(self) -> None:
        """Wake one."""
        while self._waiting:
            woken = self._waiting.popleft()
            if not woken.done():  # else it was cancelled
                woken.set_result(None)
                return

    async def wait(self) -> None:
        """Return at the next ring that is ours."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(woken)
        await woken
