"""The road between an operator and the API server: a fault proxy in a thread of its own."""

from __future__ import annotations

import asyncio
import inspect
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from controlplane import ControlPlane, OperatorProcess
from controlplane.launch import grant_operator
from faultproxy import FaultProxy, Seen


def watches(plural: str) -> Callable[[Seen], bool]:
    """Matches the watches of a resource."""
    return lambda seen: seen.verb == "watch" and seen.path.endswith(f"/{plural}")


class Road:
    """A :class:`FaultProxy` for tests that are not asynchronous. Use it with ``with``."""

    def __init__(self, kubeconfig: Path) -> None:
        """Nothing runs yet; ``kubeconfig`` says where the API server is, and who we are."""
        self.proxy = FaultProxy(kubeconfig)
        self._folder = kubeconfig.parent
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._await(self.proxy.__aenter__())
        self.kubeconfig = self.proxy.kubeconfig(
            self._folder / f"road-{secrets.token_hex(3)}.kubeconfig"
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._await(self.proxy.__aexit__())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def do(self, act: Callable[[FaultProxy], Any]) -> Any:
        """What ``act`` returns, called with the proxy in its own loop."""

        async def acted() -> Any:
            result = act(self.proxy)
            return await result if inspect.isawaitable(result) else result

        return self._await(acted())

    def _await(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)


@contextmanager
def operator_behind(
    plane: ControlPlane, folder: Path, *args: str, env: Mapping[str, str] | None = None
) -> Iterator[tuple[Road, OperatorProcess]]:
    """A road, and an operator with the chart's rights that goes it; its log is in ``folder``.

    It is the same process at the end, or the test has failed.
    """
    with Road(grant_operator(plane)) as road:
        log = folder / "operator.log"
        process = OperatorProcess(road.kubeconfig, log, args=args, env=env, plane=plane)
        try:
            yield road, process.start()
            process.server.require_alive()
        finally:
            process.stop()
            print(f"--- the operator's log ({process.log}):\n{process.server.log_tail()}")
