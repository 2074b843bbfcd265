"""Whatever a server answers, it is read as what it says or as nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpcore
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from answering import transport_to
from shapes import JSON
from tokencheck.clients.egress.answer import MAX_WAIT_S, reply_of
from tokencheck.clients.kube.extents import Extents
from tokencheck.clients.kube.lineage import Controller, Lineage, child_of
from tokencheck.clients.kube.rbac import RbacReader
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.rbac import Rbac, Unseen
from tokencheck.model.workload import PodRecord

NOW = datetime(2026, 7, 1, tzinfo=UTC)
# One server for all examples; each gives it what to say.
ONE_SERVER = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
TEXT = st.sampled_from(["", "*", "get", "pods", "shop", "app", "Role", "ClusterRole", "User"])
WORDS = st.lists(TEXT, max_size=3) | JSON
SUBJECT = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["User", "Group", "ServiceAccount"]) | JSON,
        "name": TEXT | JSON,
        "namespace": TEXT | JSON,
    },
)
METADATA = st.fixed_dictionaries({"name": TEXT}, optional={"namespace": TEXT | JSON})
ROLES = st.fixed_dictionaries(
    {"metadata": METADATA},
    optional={
        "rules": st.lists(
            st.fixed_dictionaries(
                {},
                optional=dict.fromkeys(["verbs", "apiGroups", "resources", "resourceNames"], WORDS),
            ),
            max_size=2,
        )
        | JSON,
        "roleRef": SUBJECT | JSON,
        "subjects": st.lists(SUBJECT, max_size=2) | JSON,
    },
)
RESOURCES = st.fixed_dictionaries(
    {},
    optional={
        "preferredVersion": st.fixed_dictionaries({}, optional={"version": TEXT | JSON}) | JSON,
        "versions": st.lists(st.fixed_dictionaries({"version": TEXT | JSON}), max_size=3) | JSON,
        "resources": st.lists(
            st.fixed_dictionaries(
                {"name": TEXT, "kind": TEXT}, optional={"namespaced": st.booleans() | JSON}
            ),
            max_size=3,
        )
        | JSON,
    },
)


@dataclass
class Server:
    """An API server that says this to everything."""

    says: Any = field(default_factory=dict)

    async def answer(self, _: web.Request) -> web.Response:
        return web.json_response(self.says)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[Server, Transport]]:
    made = Server()
    async with transport_to(web.get("/{path:.*}", made.answer), tmp_path) as transport:
        yield made, transport


@ONE_SERVER
@given(st.lists(ROLES | JSON, max_size=4))
async def test_what_rbac_grants_is_read_whole_or_not_at_all(
    server: tuple[Server, Transport], items: list[Any]
) -> None:
    server[0].says = {"metadata": {}, "items": items}
    found = await RbacReader(server[1]).rbac(NOW, timedelta(minutes=10))
    assert isinstance(found, Rbac | Unseen)
    if isinstance(found, Rbac):
        assert all(isinstance(one, dict) and "metadata" in one for one in items)
        assert len(found.rules) <= len(items)


@ONE_SERVER
@given(RESOURCES | JSON)
async def test_a_resource_is_in_namespaces_only_where_discovery_says_so(
    server: tuple[Server, Transport], says: Any
) -> None:
    server[0].says = says
    for group in ("", "apps"):
        found = await Extents(server[1], absent_s=0).namespaced(group, "pods")
        told = [one for one in _lines(says) if one.get("name") == "pods"]
        assert found is None or found in [one.get("namespaced") for one in told]


def _lines(says: Any) -> list[dict[str, Any]]:
    lines = says.get("resources") if isinstance(says, dict) else None
    return lines if isinstance(lines, list) and all(isinstance(x, dict) for x in lines) else []


HEADER = st.binary(max_size=40) | st.sampled_from(
    [b"0", b"120", b"99999999999", b"max-age=60", b'private, max-age="7"', b"Max-Age=-1"]
)


@given(HEADER, HEADER, HEADER)
def test_the_headers_of_an_answer_say_a_time_within_bounds_or_nothing(
    retry: bytes, cache: bytes, kind: bytes
) -> None:
    headers = [(b"Retry-After", retry), (b"Cache-Control", cache), (b"Content-Type", kind)]
    reply = asyncio.run(reply_of(httpcore.Response(200, headers=headers), 1024))
    assert reply.retry_after_s is None or 0 <= reply.retry_after_s <= MAX_WAIT_S
    assert reply.max_age_s is None or 0 <= reply.max_age_s < 10**9
    assert reply.media_type.isascii()
    assert reply.media_type == "" or reply.media_type.count("/") == 1


@given(
    JSON
    | st.fixed_dictionaries(
        {"metadata": st.fixed_dictionaries({}, optional={"ownerReferences": JSON | st.lists(JSON)})}
    )
)
def test_every_object_has_a_controller_or_none_or_is_no_object(value: object) -> None:
    child = child_of(json.dumps(value).encode())
    assert child is None or child.controller is None or child.controller.controller


UIDS = st.sampled_from("abcdef")


@given(st.dictionaries(UIDS, UIDS), st.lists(st.tuples(UIDS, st.none() | UIDS), max_size=8))
def test_each_pod_has_one_workload_whoever_controls_whom(
    controls: dict[str, str], pods: list[tuple[str, str | None]]
) -> None:
    """Also where objects control each other in a circle."""
    lineage = Lineage()
    for child, above in controls.items():
        lineage.add_child(child, _controller(above))
    for number, (_, above) in enumerate(pods):
        record = PodRecord(
            namespace="shop",
            name=f"p{number}",
            uid=f"p{number}",
            owner_uid="",
            ready=True,
            active=True,
        )
        child = child_of(json.dumps({"metadata": _owned(above)}).encode())
        assert child is not None
        lineage.add_pod(record, child, automounted=False)
    lineage.settle()
    assert len(list(lineage.all_pods())) == len(pods)
    roots = [lineage.root_of(_controller(above)) for _, above in pods if above]
    assert all(root is not None for root in roots)


def _controller(uid: str) -> Controller:
    return Controller(uid=uid, kind="ReplicaSet", name=uid, api_version="apps/v1", controller=True)


def _owned(above: str | None) -> dict[str, Any]:
    return {} if above is None else {"ownerReferences": [{"uid": above, "controller": True}]}
