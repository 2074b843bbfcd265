"""Requests to the API server: bounded, guarded, and silent about what others say."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
import yaml

from controlplane import ControlPlane
from kube_world import World
from tokencheck.clients.kube.answers import HeldBackBy, Retry
from tokencheck.clients.kube.transport import Limits, Transport
from tokencheck.model.errors import ClusterError, UsageError

PODS = "/api/v1/namespaces/default/pods"


async def test_an_answer_has_status_body_and_the_servers_clock(world: World) -> None:
    answer = await world.transport.get("/version")
    assert answer.status == 200
    assert b"gitVersion" in answer.body
    assert answer.server_time is not None
    assert abs(answer.server_time.timestamp() - time.time()) < 60
    assert "gitVersion" not in repr(answer), "a body may hold a Secret"


async def test_a_refusal_is_an_answer(world: World) -> None:
    assert (await world.transport.get("/api/v1/namespaces/default/pods/none")).status == 404
    world.proxy.refuse(403)
    assert (await world.transport.get(PODS)).status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/default/secrets/a",
        "/apis/tokencheck.dev/v1alpha1/namespaces/default/tokenchecks/a",
        "/apis/apps/v1/namespaces/default/deployments/a/status",
    ],
)
async def test_a_write_that_is_not_listed_is_never_sent(world: World, path: str) -> None:
    with pytest.raises(PermissionError):
        await world.transport.patch(path, {"data": {}})
    assert not world.proxy.seen


async def test_a_server_that_cannot_be_reached_is_a_retryable_error_in_our_words(
    bare_controlplane: ControlPlane, tmp_path: Path
) -> None:
    config = yaml.safe_load(bare_controlplane.kubeconfig().read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    transport = await Transport.connect(kubeconfig=path)
    with pytest.raises(
        ClusterError, match=f"GET {PODS}: the API server cannot be reached"
    ) as caught:
        await transport.get(PODS)
    assert caught.value.retryable
    assert transport.requests == {("get", "pods", "0"): 1}
    assert caught.value.__suppress_context__, "the foreign text is not shown with it"
    await transport.close()


async def test_a_server_with_a_strangers_certificate_is_not_spoken_to(
    bare_controlplane: ControlPlane, tmp_path: Path
) -> None:
    config = yaml.safe_load(bare_controlplane.kubeconfig().read_text())
    del config["clusters"][0]["cluster"]["certificate-authority"]
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    transport = await Transport.connect(kubeconfig=path)
    with pytest.raises(ClusterError, match="the certificate of the API server is not trusted"):
        await transport.get(PODS)
    await transport.close()


async def test_tls_works_without_the_proxy(bare_controlplane: ControlPlane) -> None:
    transport = await Transport.connect(kubeconfig=bare_controlplane.kubeconfig())
    assert (await transport.get("/version")).status == 200
    await transport.close()
    await asyncio.sleep(0.05)  # TLS connections end a little later than they are closed


async def test_a_rotated_token_file_is_read_again_when_the_old_token_ends(
    world: World, bare_controlplane: ControlPlane, tmp_path: Path
) -> None:
    """The package reads a token file of a kubeconfig only once."""
    config = yaml.safe_load(bare_controlplane.kubeconfig().read_text())
    good = config["users"][0]["user"]["token"]
    token = tmp_path / "token"
    token.write_text("ended\n")
    config["clusters"][0]["cluster"] = {"server": world.proxy.url}
    config["users"][0]["user"] = {"tokenFile": str(token)}
    path = tmp_path / "rotating"
    path.write_text(yaml.safe_dump(config))
    transport = await Transport.connect(kubeconfig=path)
    token.write_text(f"{good}\n")
    assert (await transport.get(PODS)).status == 200
    await transport.close()


async def test_ended_credentials_are_an_answer_after_one_more_try(
    world: World, tmp_path: Path
) -> None:
    config = yaml.safe_load(world.proxy.kubeconfig(tmp_path / "bad").read_text())
    config["users"][0]["user"] = {"token": "nobody"}
    (tmp_path / "bad").write_text(yaml.safe_dump(config))
    transport = await Transport.connect(kubeconfig=tmp_path / "bad")
    assert (await transport.get(PODS)).status == 401
    assert world.proxy.count("get") == 2
    await transport.close()


async def test_throttling_is_obeyed_and_ends_as_an_answer(world: World) -> None:
    world.proxy.refuse(429, headers={"Retry-After": "0"})
    assert (await world.transport.get(PODS)).status == 429
    assert world.proxy.count("get") == 4
    assert world.transport.requests == {("get", "pods", "429"): 4}
    assert world.transport.retries == {Retry.THROTTLED: 3, Retry.UNAUTHORIZED: 0}
    assert world.transport.held_back_s[HeldBackBy.SERVER] > 0


async def test_an_answer_that_does_not_come_is_given_up(world: World) -> None:
    world.proxy.refuse(429, headers={"Retry-After": "1"}, times=1)
    with pytest.raises(ClusterError, match=r"no answer within 0.0001 s"):
        await world.transport.get(PODS, timeout_s=0.0001)
    assert world.transport.requests == {("get", "pods", "0"): 1}


async def test_requests_are_counted_by_verb_and_resource(world: World) -> None:
    await world.transport.get(PODS)
    await world.transport.get(f"{PODS}/a")
    await world.transport.get("/api/v1/namespaces/default")
    assert world.transport.requests == {
        ("get", "pods", "200"): 1,
        ("get", "pods", "404"): 1,
        ("get", "namespaces", "200"): 1,
    }


async def test_requests_keep_to_their_own_rate(world: World, tmp_path: Path) -> None:
    transport = await Transport.connect(
        kubeconfig=world.proxy.kubeconfig(tmp_path / "slow"), limits=Limits(per_second=10, burst=1)
    )
    started = time.monotonic()
    for _ in range(6):
        await transport.get("/version")
    assert time.monotonic() - started > 0.45
    assert transport.held_back_s[HeldBackBy.CLIENT] > 0.1  # the rest is what requests took
    await transport.close()


@pytest.mark.parametrize("text", [None, "", "{", "kind: Config\n", "a: [b"])
async def test_a_kubeconfig_that_cannot_be_used_is_the_users_to_change(
    tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=str(path)):
        await Transport.connect(kubeconfig=path)


async def test_a_context_that_does_not_exist_is_named(
    bare_controlplane: ControlPlane,
) -> None:
    with pytest.raises(UsageError, match="context nowhere"):
        await Transport.connect(kubeconfig=bare_controlplane.kubeconfig(), context="nowhere")


async def test_outside_of_a_cluster_a_kubeconfig_is_asked_for() -> None:
    with pytest.raises(UsageError, match="--kubeconfig"):
        await Transport.connect()
