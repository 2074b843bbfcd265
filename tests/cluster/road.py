"""The road between an operator and the API server: a fault proxy in a thread of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from cluster.ending import end
from controlplane import ControlPlane, OperatorProcess
from controlplane.launch import grant_operator
from faultproxy import FaultProxy, Seen
from loopthread import LoopThread


def watches(plural: str) -> Callable[[Seen], bool]:
    """Matches the watches of a resource."""
    return lambda seen: seen.verb == "watch" and seen.path.endswith(f"/{plural}")


class Road(LoopThread[FaultProxy]):
    """A :class:`FaultProxy` in a thread of its own."""

    def __init__(self, kubeconfig: Path, made: Callable[[Path], FaultProxy] = FaultProxy) -> None:
        """Nothing runs yet; ``kubeconfig`` says where the API server is, and who we are."""
        super().__init__(made(kubeconfig))
        self.proxy = self.inner
        self._folder = kubeconfig.parent

    def __enter__(self) -> Self:
        super().__enter__()
        self.kubeconfig = self.proxy.kubeconfig(
            self._folder / f"road-{secrets.token_hex(3)}.kubeconfig"
        )
        return self


@contextmanager
def operator_behind(
    plane: ControlPlane,
    folder: Path,
    *args: str,
    env: Mapping[str, str] | None = None,
    made: Callable[[Path], FaultProxy] = FaultProxy,
) -> Iterator[tuple[Road, OperatorProcess]]:
    """A road, and an operator with the chart's rights that goes it; its log is in ``folder``.

    It is the same process at the end, or the test has failed.
    """
    with Road(grant_operator(plane), made) as road:
        log = folder / "operator.log"
        process = OperatorProcess(road.kubeconfig, log, args=args, env=env, plane=plane)
        try:
            yield road, process.start()
            process.server.require_alive()
        finally:
            end(process)
