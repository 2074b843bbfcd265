"""The operator's own loop: what nobody awaits in it is told without its text."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from tokencheck.app import operator
from tokencheck.app.logs import tell_class_only
from tokencheck.app.settings import Settings

# A server that is not there: the operator waits for it.
KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: none, user: {token: none}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
current-context: none
"""


def test_the_operator_s_loop_tells_errors_by_class_and_it_stops_on_a_signal(
    tmp_path: Path,
) -> None:
    (tmp_path / "config").write_text(KUBECONFIG)
    settings = Settings(kubeconfig=str(tmp_path / "config"), listen_port=0)

    async def scenario() -> int:
        task = asyncio.create_task(operator._main(settings))  # noqa: SLF001 - `run` sets up logs too
        await asyncio.sleep(0.3)
        assert asyncio.get_running_loop().get_exception_handler() is tell_class_only
        os.kill(os.getpid(), signal.SIGTERM)
        return await asyncio.wait_for(task, 20)

    assert asyncio.run(scenario()) == 0
