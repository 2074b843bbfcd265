"""What the doctor reads of TokenChecks, and of the policy on names with rights to all or some."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from answering import transport_to
from tokencheck.api import API_VERSION
from tokencheck.clients.kube.examination import Examination
from tokencheck.core.doctor.facts import Admission
from tokencheck.core.rights.guards import guard_binding, stamp_policy, stamping_policy
from tokencheck.model.admission import Guard
from tokencheck.model.evidence import Absent, Denied, Failed

NOW = datetime(2026, 7, 1, tzinfo=UTC)
Object = dict[str, Any]


class Server:
    """An API server with the policy on names, of which each kind is there, refused or missing."""

    def __init__(self) -> None:
        binding = guard_binding(Guard.STAMP)
        del binding["spec"]["validationActions"]  # one of a MutatingAdmissionPolicy has none
        self.has: dict[str, Object] = {
            "validatingadmissionpolicies": stamp_policy(stamps=True),
            "validatingadmissionpolicybindings": guard_binding(Guard.STAMP),
            "mutatingadmissionpolicies": stamping_policy(),
            "mutatingadmissionpolicybindings": binding,
        }
        self.says: dict[str, int] = {}

    async def answer(self, request: web.Request) -> web.Response:
        *_, kind, name = request.path.split("/")
        status = self.says.get(kind, 200 if name == Guard.STAMP else 404)
        return web.json_response(self.has[kind] if status == 200 else {}, status=status)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[Server, Examination]]:
    made = Server()
    async with transport_to(web.get("/{path:.*}", made.answer), tmp_path) as transport:
        yield made, Examination(transport, lambda: NOW)


async def looked_at(server: tuple[Server, Examination], **says: int) -> Admission:
    made, examination = server
    made.says = {f"{kind}admissionpolicies": status for kind, status in says.items()}
    return await examination.admission((), ())


async def test_a_healthy_policy_on_names_is_the_one_that_ships(
    server: tuple[Server, Examination],
) -> None:
    found = await looked_at(server)
    assert (found.guards[Guard.STAMP], found.stamps) == (True, True)


@pytest.mark.parametrize(("status", "why"), [(403, Denied), (500, Failed)])
async def test_who_may_not_see_whether_names_are_written_is_not_told_of_another_policy(
    server: tuple[Server, Examination], status: int, why: type
) -> None:
    """It would be deleted, by what he is told to type."""
    found = await looked_at(server, mutating=status)
    assert isinstance(found.guards[Guard.STAMP], why)
    assert found.stamps is None
    # What is missing is missing, whichever ships.
    found = await looked_at(server, mutating=status, validating=404)
    assert isinstance(found.guards[Guard.STAMP], Absent)


async def test_where_no_name_is_written_the_policy_that_lets_nobody_write_one_ships(
    server: tuple[Server, Examination],
) -> None:
    found = await looked_at(server, mutating=404)
    assert (found.guards[Guard.STAMP], found.stamps) == (False, False)
    server[0].has["validatingadmissionpolicies"] = stamp_policy(stamps=False)
    found = await looked_at(server, mutating=404)
    assert (found.guards[Guard.STAMP], found.stamps) == (True, False)


@pytest.mark.parametrize("kind", ["validating", "mutating"])
async def test_a_binding_alone_that_is_another_one_is_told_from_a_policy(
    server: tuple[Server, Examination], kind: str
) -> None:
    assert (await looked_at(server)).unbound == frozenset()
    narrow = {"policyName": Guard.STAMP, "matchResources": {"objectSelector": {}}}
    server[0].has[f"{kind}admissionpolicybindings"] = {"spec": narrow}
    found = await looked_at(server)
    assert (found.guards[Guard.STAMP], found.unbound) == (False, {Guard.STAMP})
    server[0].has["validatingadmissionpolicies"] = stamp_policy(stamps=False)
    found = await looked_at(server)
    assert (found.guards[Guard.STAMP], found.unbound) == (False, frozenset())


OWNER = {"apiVersion": API_VERSION, "kind": "ClusterTokenCheck", "name": "all", "uid": "a"}


@pytest.mark.parametrize(
    ("owners", "maker"),
    [
        ([OWNER | {"controller": True}], "all"),
        ([{"apiVersion": "v1", "kind": "A", "name": "b"}, OWNER | {"controller": True}], "all"),
        ([OWNER], ""),
        ([OWNER | {"controller": True, "apiVersion": "v1"}], ""),
        ([], ""),
    ],
)
async def test_a_check_tells_which_object_made_it_as_the_operator_has_it(
    tmp_path: Path, owners: list[Object], maker: str
) -> None:
    meta = {"namespace": "shop", "name": "checkout", "ownerReferences": owners}
    items = [{"metadata": meta, "spec": {"interval": "30s"}}]

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"items": items})

    async with transport_to(web.get(f"/apis/{API_VERSION}/tokenchecks", answer), tmp_path) as to:
        found = await Examination(to, lambda: NOW).checks()
    assert isinstance(found, tuple)
    assert [(one.made_by, one.interval) for one in found] == [(maker, "30s")]
