"""An audit that has vendors asked: first it says how many tokens, then each is shown once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.clients.egress.client import Egress
from tokencheck.clients.manifests import Manifests
from tokencheck.gather.once import sources_once
from tokencheck.gather.showing import Planned, Showing
from tokencheck.model.asking import NoReply, Question, Reply
from tokencheck.model.finding import Check, Result
from tokencheck.model.reasons import Reason
from tokencheck.model.report import Report
from tokencheck.passes.audit import audit_pass
from vendorapi import TOKENS, VendorApi

NOW = datetime(2026, 7, 1, tzinfo=UTC)
Object = dict[str, Any]
LIVES, DEAD = (f"ghp_{letter * 36}" for letter in "ab")


class Cluster(Manifests):
    """Objects of which tokens that nobody listed are matched, as `Snapshot` does it."""

    def matching(self, kind: str) -> tuple[TokenProvider, ...]:
        return tuple(p for p in self.providers() if kind in p.match and p.asks_as_anybody)


@pytest.fixture
async def api() -> AsyncIterator[VendorApi]:
    async with VendorApi() as running:
        running.lives[LIVES] = {"scopes": ["repo"]}
        yield running


def secret(name: str, text: str, namespace: str = "shop") -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"kind": "Secret", "metadata": metadata, "stringData": {"token": text}}


def github(api: VendorApi, **more: Any) -> Object:
    found = api.provider("GitHub", "github", match={"kinds": ["GitHub"]})
    return found | {"spec": found["spec"] | more}


async def audited(showing: Showing, *objects: Object) -> Report:
    census = Cluster(objects)
    sources = sources_once(census, b"key", liveness=showing)
    return await audit_pass(census, NOW, sources=sources, tell=lambda *_: None, files=True)


def active(report: Report) -> dict[str, tuple[Result, Reason]]:
    """What is said of each Secret's token by its vendor."""
    found = {
        row.secret: (finding.result, finding.reason)
        for row in report.rows
        for finding in row.findings
        if finding.check is Check.ACTIVE
    }
    return {name: said for name, said in found.items() if name}


async def test_each_token_is_shown_once_after_it_was_said_and_the_second_audit_has_the_answers(
    api: VendorApi,
) -> None:
    objects = [
        github(api),
        secret("ci", LIVES),
        secret("copy", LIVES, "billing"),
        secret("old", DEAD),
        secret("slack", TOKENS["Slack"]),
    ]
    showing = Showing()
    report = await audited(showing, *objects)
    assert set(active(report).values()) == {(Result.UNKNOWN, Reason.NOT_ASKED)}
    assert api.said == b""
    assert showing.planned == (
        Planned(provider="github", vendor="GitHub", place=api.place, tokens=2),
    )
    await showing.ask(Egress(), NOW)
    assert api.asked == {LIVES: 1, DEAD: 1}
    report = await audited(showing, *objects)
    assert active(report) == {"old": (Result.FAIL, Reason.INACTIVE)}  # a row has no good news
    results = {row.secret: row.result for row in report.rows}
    assert results == {
        "ci": Result.PASS,
        "copy": Result.PASS,
        "old": Result.FAIL,
        "slack": Result.SKIP,
    }
    assert TOKENS["Slack"].encode() not in api.said
    assert (showing.planned, api.asked) == ((), {LIVES: 1, DEAD: 1})


async def test_who_does_not_serve_the_namespace_or_answers_the_operator_alone_is_shown_nothing(
    api: VendorApi,
) -> None:
    elsewhere = {"selector": {"matchLabels": {"payments": "yes"}}}
    namespace = {"kind": "Namespace", "metadata": {"name": "shop", "labels": {}}}
    kubernetes = {"allowedNamespaces": {"all": True}, "vendor": {"type": "Kubernetes"}}
    objects = [
        namespace,
        github(api, allowedNamespaces=elsewhere),
        api.provider("Vault", "vault", match={"kinds": ["Vault"]}),
        {"kind": "TokenProvider", "metadata": {"name": "own"}, "spec": kubernetes},
        secret("ci", LIVES),
        secret("vault", TOKENS["Vault"]),
    ]
    for kind, provider, name in (("listed", "vault", "vault"), ("own", "own", "ci")):
        ref = {"name": "t", "secretKeyRef": {"name": name, "key": "token"}}
        token = ref | {"providerRef": {"name": provider}}
        meta = {"name": kind, "namespace": "shop"}
        objects.append({"kind": "TokenCheck", "metadata": meta, "spec": {"tokens": [token]}})
    showing = Showing()
    await audited(showing, *objects)
    assert showing.planned == ()
    await showing.ask(Egress(), NOW)
    assert api.said == b""


async def test_a_vendor_at_fault_is_not_shown_the_rest(api: VendorApi) -> None:
    api.mode = "429"
    many = [secret(f"s{number}", f"ghp_{number:036d}") for number in range(40)]
    showing = Showing()
    await audited(showing, github(api), *many)
    await showing.ask(Egress(), NOW)
    assert sum(api.asked.values()) <= 4
    found = active(await audited(showing, github(api), *many))
    assert set(found.values()) == {(Result.UNKNOWN, Reason.RATE_LIMITED)}
    assert len(found) == 40


class Slow:
    """Somebody who takes a while; it counts how many wait at a time."""

    def __init__(self) -> None:
        self.now, self.most, self.all = 0, 0, 0

    async def ask(self, question: Question) -> Reply | NoReply:
        self.now += 1
        self.all += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.001)
        self.now -= 1
        body = b'{"message": "Bad credentials"}'
        return Reply(status=401, media_type="application/json", body=body)


async def test_few_are_shown_at_a_time(api: VendorApi) -> None:
    many = [secret(f"s{number}", f"ghp_{number:036d}") for number in range(40)]
    showing, slow = Showing(), Slow()
    await audited(showing, github(api), *many)
    await showing.ask(slow, NOW)
    assert (slow.all, slow.most) == (40, 4)
