"""The operator's own loop: what nobody awaits in it is told without its text."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from tokencheck.app import operator
from tokencheck.app.logs import tell_class_only
from tokencheck.app.roads import open_roads
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


async def test_kopf_is_led_to_the_cluster_of_the_start_whatever_context_is_current_by_then(
    tmp_path: Path,
) -> None:
    """Else checks of one cluster would be judged by the Secrets of the other."""
    config = tmp_path / "config"
    config.write_text(KUBECONFIG)
    settings = Settings(kubeconfig=str(config))
    roads = await open_roads(settings)
    made = operator.Operator(settings, roads)
    made._compare.synced.set()  # noqa: SLF001 - as after the first list
    other = KUBECONFIG.replace("current-context: none", "current-context: other")
    more = "[{name: other, context: {cluster: other, user: none}}, "
    other = other.replace("contexts: [", f"contexts: {more}")
    more = '[{name: other, cluster: {server: "http://127.0.0.1:2"}}, '
    config.write_text(other.replace("clusters: [", f"clusters: {more}"))
    session, server = await made._kopf_session()  # noqa: SLF001 - as Kopf calls it
    await session.close()
    await roads.close()
    assert server == "http://127.0.0.1:1"
