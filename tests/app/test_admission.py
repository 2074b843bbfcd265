"""What is proven of admission: by dry runs in namespaces, and by comparing what stands there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from answering import transport_to
from tokencheck.app.admission import AdmissionProof
from tokencheck.core.rights.bypass_policy import bypass_policy
from tokencheck.core.rights.enforcement import _REFUSED_BY_US
from tokencheck.core.rights.guards import guard_binding, provider_policy
from tokencheck.core.rights.policy import requester_binding, requester_policy
from tokencheck.model.admission import REQUESTER_POLICY, BypassProof, Enforcement, Guard

HELD_S = 0.6
POLICIES, BINDINGS = "validatingadmissionpolicies", "validatingadmissionpolicybindings"


class Cluster:
    """An API server where all is as it ships, and each request for a namespace is refused."""

    def __init__(self) -> None:
        self.has = {
            (POLICIES, REQUESTER_POLICY): requester_policy(),
            (BINDINGS, REQUESTER_POLICY): requester_binding(),
            (POLICIES, Guard.PROVIDER): provider_policy(),
            (BINDINGS, Guard.PROVIDER): guard_binding(Guard.PROVIDER),
            (POLICIES, Guard.BYPASS): bypass_policy(),
            (BINDINGS, Guard.BYPASS): guard_binding(Guard.BYPASS),
        }
        self.broken: set[str] = set()  # what cannot be read
        self.dry_run = (403, f"it is forbidden: {_REFUSED_BY_US}")
        self.asked = self.failed = 0
        self.leads = True
        self.told: list[frozenset[str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        kind, name = request.path.split("/")[-2:]
        if request.method == "PATCH":
            status, message = self.dry_run
            return web.json_response({"message": message}, status=status)
        if name in self.broken:
            self.failed += 1
            return web.json_response({}, status=500)
        found = self.has.get((kind, name))
        return web.json_response(found or {}, status=200 if found else 404)


@pytest.fixture
async def cluster(
    tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[tuple[Cluster, AdmissionProof]]:
    at = Cluster()
    async with transport_to(web.route("*", "/{path:.*}", at.answer), tmp_path) as transport:
        proof = AdmissionProof(
            transport,
            lambda: {"shop"},
            lambda _: at.leads,
            changed=at.told.append,
            every_s=getattr(request, "param", 0.02),
            held_s=HELD_S,
        )
        running = asyncio.create_task(proof.run())
        yield at, proof
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def comes_to(proof: AdmissionProof, bypass: BypassProof, found: Enforcement) -> None:
    async with asyncio.timeout(20):
        while (proof.guards_bypass("shop"), proof.of("shop")) != (bypass, found):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_what_is_proven_is_told_once_and_when_it_changes(
    cluster: tuple[Cluster, AdmissionProof],
) -> None:
    at, proof = cluster
    assert proof.guards_bypass("shop") is BypassProof.AWAITED
    await comes_to(proof, BypassProof.PROVEN, Enforcement.PROVEN)
    await asyncio.sleep(0.2)
    assert at.told == [{"shop"}]
    del at.has[POLICIES, Guard.BYPASS]
    await comes_to(proof, BypassProof.MISSING, Enforcement.PROVEN)
    assert at.told == [{"shop"}] * 2
    at.has[POLICIES, Guard.BYPASS] = bypass_policy()
    await comes_to(proof, BypassProof.PROVEN, Enforcement.PROVEN)
    assert at.told == [{"shop"}] * 3


async def test_what_is_not_known_for_a_moment_is_awaited_and_then_unknown(
    cluster: tuple[Cluster, AdmissionProof],
) -> None:
    at, proof = cluster
    await comes_to(proof, BypassProof.PROVEN, Enforcement.PROVEN)
    at.broken.add(Guard.BYPASS)
    await comes_to(proof, BypassProof.AWAITED, Enforcement.PROVEN)
    await comes_to(proof, BypassProof.UNKNOWN, Enforcement.PROVEN)
    at.broken.clear()
    await comes_to(proof, BypassProof.PROVEN, Enforcement.PROVEN)
    at.dry_run = (500, "")
    await comes_to(proof, BypassProof.AWAITED, Enforcement.UNKNOWN)
    await comes_to(proof, BypassProof.UNKNOWN, Enforcement.UNKNOWN)
    at.dry_run = (201, "")
    await comes_to(proof, BypassProof.MISSING, Enforcement.ADMITTED)


async def test_a_policy_that_has_no_say_in_break_glass_does_not_end_it(
    cluster: tuple[Cluster, AdmissionProof],
) -> None:
    at, proof = cluster
    await comes_to(proof, BypassProof.PROVEN, Enforcement.PROVEN)
    del at.has[BINDINGS, Guard.PROVIDER]
    await comes_to(proof, BypassProof.PROVEN, Enforcement.UNGUARDED)
    at.has[BINDINGS, Guard.PROVIDER] = guard_binding(Guard.PROVIDER)
    await comes_to(proof, BypassProof.PROVEN, Enforcement.PROVEN)
    assert at.told == [{"shop"}]


@pytest.mark.parametrize("cluster", [1.0], indirect=True)
async def test_one_read_that_fails_ends_no_proof(cluster: tuple[Cluster, AdmissionProof]) -> None:
    at, proof = cluster
    await comes_to(proof, BypassProof.PROVEN, Enforcement.PROVEN)
    at.broken.add(Guard.PROVIDER)
    async with asyncio.timeout(20):
        while not at.failed:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert proof.of("shop") is Enforcement.PROVEN


async def test_many_that_fail_end_all(cluster: tuple[Cluster, AdmissionProof]) -> None:
    at, proof = cluster
    await comes_to(proof, BypassProof.PROVEN, Enforcement.PROVEN)
    at.broken.add(Guard.PROVIDER)
    await comes_to(proof, BypassProof.PROVEN, Enforcement.UNKNOWN)
    del at.has[POLICIES, Guard.BYPASS]
    await comes_to(proof, BypassProof.MISSING, Enforcement.UNKNOWN)


async def test_who_stands_by_asks_nothing_and_knows_nothing(
    cluster: tuple[Cluster, AdmissionProof],
) -> None:
    at, proof = cluster
    await comes_to(proof, BypassProof.PROVEN, Enforcement.PROVEN)
    at.leads = False
    async with asyncio.timeout(20):
        while proof.of("shop") is not None:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    asked = at.asked
    await asyncio.sleep(0.2)
    assert (at.asked, proof.guards_bypass("shop")) == (asked, BypassProof.AWAITED)
