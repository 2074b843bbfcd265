"""What a check keeps from pass to pass: baselines through the absence of a Secret, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tokencheck.api.tokencheck import ANNOTATION_ACCEPT_DRIFT, TokenCheck
from tokencheck.clients.manifests import Manifests
from tokencheck.gather.memory import Recollection
from tokencheck.gather.once import sources_once
from tokencheck.model.assessment import Assessment
from tokencheck.model.evidence import Absent, SecretContent, Unread
from tokencheck.model.keys import Key
from tokencheck.model.outcome import Event, Outcome
from tokencheck.model.ports import WriteResult
from tokencheck.passes.check import check_pass
from tokencheck.publish.publish import Sinks

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = Key("TokenCheck", "shop", "checkout")
GITHUB = "ghp_" + "b" * 36
SLACK = "xoxb-123456789012-123456789012-" + "a" * 24
CHECK = {
    "kind": "TokenCheck",
    "metadata": {"name": "checkout", "namespace": "shop", "uid": "u", "generation": 1},
    "spec": {
        "workloadRef": {"kind": "Deployment", "name": "checkout"},
        "policy": {"unverified": "Ignore", "noExpiry": "Ignore"},
    },
}
WORKLOAD = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "checkout", "namespace": "shop"},
    "spec": {
        "template": {
            "spec": {"containers": [{"name": "app", "envFrom": [{"secretRef": {"name": "api"}}]}]}
        }
    },
}


class Live(Manifests):
    """Where a Secret that is not there is known not to exist."""

    async def secret(self, namespace: str, name: str) -> SecretContent | Unread:
        found = await super().secret(namespace, name)
        gone = Absent(what=f"Secret {namespace}/{name}")
        return found if isinstance(found, SecretContent) else gone


class Cluster:
    """One check over manifests that change between passes; takes what the passes write."""

    def __init__(self) -> None:
        self.check: TokenCheck | None = None
        self.memory = Recollection()
        self.sinks = Sinks(status=self, events=self, board=self, shelf=self)

    def passed(self, *, workload: bool = True, **tokens: str) -> Mapping[str, Any]:
        """The status after a pass over a Secret with these tokens; without any there is none."""
        secret = {"kind": "Secret", "metadata": {"name": "api", "namespace": "shop"}}
        objects = [CHECK, *([WORKLOAD] if workload else [])]
        objects += [secret | {"stringData": tokens}] if tokens else []
        inventory = Live(objects)
        if self.check is not None:
            inventory._checks[KEY] = self.check  # noqa: SLF001 - a status, which files do not have
        sources = replace(sources_once(inventory, b"k" * 32), memory=self.memory)
        asyncio.run(check_pass(KEY, NOW, sources=sources, sinks=self.sinks))
        assert self.check is not None
        return self.check.status

    def put_written(self, check: TokenCheck) -> None:
        self.check = check

    async def write(self, *_: object, **__: object) -> tuple[WriteResult, str]:
        return WriteResult.WRITTEN, "2"

    def emit(self, event: Event) -> None:
        """Take no note of it."""

    def put(
        self, key: Key, check: TokenCheck, assessment: Assessment | None, outcome: Outcome
    ) -> None:
        """Take no note of it."""

    def drop(self, key: Key) -> None:
        """Take no note of it."""


def told(status: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """Reason and kept baseline's kind of each token."""
    return {
        token["name"]: (token["reason"], (token.get("baseline") or {}).get("kind"))
        for token in status["tokens"]
    }


def test_a_found_token_keeps_its_baseline_while_its_secret_is_gone() -> None:
    cluster = Cluster()
    assert told(cluster.passed(token=GITHUB)) == {"api/token": ("Valid", "GitHub")}
    assert told(cluster.passed()) == {"api/token": ("SecretNotFound", "GitHub")}
    assert told(cluster.passed(token=SLACK)) == {"api/token": ("Drifted", "GitHub")}


def test_a_found_token_whose_key_is_gone_is_drift_until_it_is_accepted_and_forgotten_then() -> None:
    cluster = Cluster()
    cluster.passed(token=GITHUB, other_token=SLACK)
    for _ in range(2):
        status = told(cluster.passed(token=GITHUB))
        assert status["api/other_token"] == ("Drifted", "Slack")
        assert cluster.memory.recall(KEY, "api/other_token") is not None
    assert cluster.check is not None
    annotations = {ANNOTATION_ACCEPT_DRIFT: ""}  # the version of a Secret in a file
    cluster.check = replace(cluster.check, annotations=annotations)
    assert told(cluster.passed(token=GITHUB)) == {"api/token": ("Valid", "GitHub")}
    assert cluster.memory.recall(KEY, "api/other_token") is None
    assert cluster.memory.recall(KEY, "api/token") is not None


def test_the_memory_of_a_token_outlives_a_workload_that_is_not_there() -> None:
    cluster = Cluster()
    cluster.passed(token=GITHUB)
    cluster.passed(token=GITHUB, workload=False)
    assert cluster.memory.recall(KEY, "api/token") is not None
