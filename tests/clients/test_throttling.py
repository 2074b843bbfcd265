"""A server that wants to be left alone is; what is urgent has its own way past what is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rawserver import Peer, RawServer, answer, kubeconfig
from tokencheck.clients.kube.answers import HeldBackBy
from tokencheck.clients.kube.transport import Limits, Transport
from tokencheck.model.errors import ClusterError

LIST = "/api/v1/secrets"
READ = "/api/v1/namespaces/shop/secrets/payments"
STATUS = "/apis/tokencheck.dev/v1alpha1/namespaces/shop/tokenchecks/checkout/status"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/ops/leases/tokencheck"


class Server:
    """Answers all, but what `throttled` or `silent` says; keeps what came and when."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, str]] = []
        self.throttled: Callable[[str], bool] = lambda _: False
        self.silent: Callable[[str], bool] = lambda _: False
        self.retry_after = "1"

    async def __call__(self, peer: Peer) -> None:
        while request := await peer.request():
            path = request.split()[1].decode().partition("?")[0]
            if self.silent(path):
                self.asked.append((time.monotonic(), path))
                await peer.gone()
            elif self.throttled(path):
                again = f"Retry-After: {self.retry_after}"
                # Noted before it is sent: nobody can have read it earlier.
                self.asked.append((time.monotonic(), path))
                await peer.say(answer(b"{}", "429 Too Many Requests", again))
            else:
                self.asked.append((time.monotonic(), path))
                await peer.say(answer())

    def paths(self) -> list[str]:
        return [path for _, path in self.asked]

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not true():  # noqa: ASYNC110 - of the test's own loop
                await asyncio.sleep(0.01)


async def connect(folder: Path, server: RawServer, limits: Limits | None = None) -> Transport:
    return await Transport.connect(kubeconfig=kubeconfig(folder, server.url), limits=limits)


async def test_nothing_of_a_kind_is_asked_before_the_time_is_over(tmp_path: Path) -> None:
    """Not by who was refused, and not by anybody else."""
    polite = Server()
    polite.throttled = lambda _: len(polite.asked) == 0
    async with RawServer(polite) as server:
        transport = await connect(tmp_path, server)
        refused = asyncio.create_task(transport.get(READ))
        await polite.until(lambda: transport.requests["get", "secrets", "429"] == 1)
        others = [asyncio.create_task(transport.get(f"{READ}-{n}")) for n in range(20)]
        answers = await asyncio.gather(refused, *others)
        held_s = transport.held_back_s[HeldBackBy.SERVER]
        await transport.close()
    assert {one.status for one in answers} == {200}
    (at, _), *later = polite.asked
    assert len(later) == 21
    assert min(moment for moment, _ in later) - at >= 1.0
    assert held_s > 20 * 0.5


async def test_what_is_urgent_goes_on_while_lists_are_held_back(tmp_path: Path) -> None:
    polite = Server()
    polite.throttled = lambda path: path == LIST and polite.paths().count(LIST) == 0
    polite.retry_after = "2"
    async with RawServer(polite) as server:
        transport = await connect(tmp_path, server)
        listed = asyncio.create_task(transport.get(LIST))
        await polite.until(lambda: transport.requests["get", "secrets", "429"] == 1)
        await transport.patch(STATUS, {})
        await transport.get(LEASE)
        await transport.get(READ)
        assert (await listed).status == 200
        await transport.close()
    assert polite.paths() == [LIST, STATUS, LEASE, READ, LIST]


async def test_a_watch_waits_as_a_list_does(tmp_path: Path) -> None:
    polite = Server()
    polite.throttled = lambda _: len(polite.asked) == 0
    async with RawServer(polite) as server:
        transport = await connect(tmp_path, server)
        listed = asyncio.create_task(transport.get(LIST))
        await polite.until(lambda: transport.requests["get", "secrets", "429"] == 1)
        stream = transport.stream(LIST, {"watch": "1"}, accept="x/y", silent_s=20.0)
        assert [line async for line in stream] == [], "an answer without a whole line"
        await listed
        await transport.close()
    assert polite.asked[1][0] - polite.asked[0][0] >= 1.0


@pytest.mark.parametrize(("asked", "least_s"), [("0", 0.0), ("soon", 1.0), ("1", 1.0)])
async def test_a_time_that_cannot_be_read_is_a_second(
    tmp_path: Path, asked: str, least_s: float
) -> None:
    polite = Server()
    polite.throttled = lambda _: len(polite.asked) == 0
    polite.retry_after = asked
    async with RawServer(polite) as server:
        transport = await connect(tmp_path, server)
        await transport.get(READ)
        await transport.close()
    assert polite.asked[1][0] - polite.asked[0][0] >= least_s


async def test_lists_that_hang_leave_a_way_for_reads_and_both_for_writes(tmp_path: Path) -> None:
    slow = Server()
    slow.silent = lambda path: path != STATUS
    async with asyncio.timeout(60), RawServer(slow) as server:
        transport = await connect(tmp_path, server, Limits(connections=8))
        hanging = [asyncio.create_task(transport.get(LIST)) for _ in range(20)]
        await slow.until(lambda: slow.paths().count(LIST) == 2)
        hanging += [asyncio.create_task(transport.get(READ)) for _ in range(20)]
        await slow.until(lambda: slow.paths().count(READ) == 4)
        for _ in range(5):
            assert (await transport.patch(STATUS, {})).status == 200
        assert (slow.paths().count(LIST), slow.paths().count(READ)) == (2, 4)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        slow.silent = lambda _: False
        assert (await transport.get(LIST)).status == 200, "who gave up took no place with him"
        await transport.close()


async def test_our_own_bound_of_requests_holds_and_the_urgent_go_first(tmp_path: Path) -> None:
    polite = Server()
    limits = Limits(per_second=20, burst=1)
    wanted = [LIST] * 3 + [READ] * 3 + [STATUS] * 3 + [LEASE]
    async with RawServer(polite) as server:
        transport = await connect(tmp_path, server, limits)
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for path in wanted:
                if path == STATUS:
                    group.create_task(transport.patch(path, {}))
                else:
                    group.create_task(transport.get(path))
        took_s = time.monotonic() - began
        await transport.close()
    # The first found nobody before it; the eighth turn is that of who waited longest.
    assert polite.paths() == [
        *(LIST, LEASE, STATUS, STATUS, STATUS),
        *(READ, READ, LIST, READ, LIST),
    ]
    assert took_s >= (len(wanted) - 1) / 20


async def test_who_would_wait_for_longer_than_a_pass_may_is_told_so_at_once(tmp_path: Path) -> None:
    """Else all passes would wait for a minute, and be given up with what they had judged."""
    polite = Server()
    polite.throttled = lambda path: path == READ
    polite.retry_after = "30"
    async with asyncio.timeout(15), RawServer(polite) as server:
        transport = await connect(tmp_path, server)
        for path in (READ, f"{READ}-2"):
            with pytest.raises(ClusterError) as refused:
                await transport.get(path)
            assert refused.value.status == 429
            assert refused.value.retryable
        assert (await transport.patch(STATUS, {})).status == 200
        await transport.close()
    assert polite.paths() == [READ, STATUS]


async def test_a_lease_is_renewed_a_second_after_a_refusal_whatever_is_asked(
    tmp_path: Path,
) -> None:
    """Who is silent for longer leads no more."""
    polite = Server()
    polite.throttled = lambda _: len(polite.asked) == 0
    polite.retry_after = "30"
    async with asyncio.timeout(15), RawServer(polite) as server:
        transport = await connect(tmp_path, server)
        assert (await transport.get(LEASE)).status == 200
        await transport.close()
    assert polite.asked[1][0] - polite.asked[0][0] >= 1.0
