"""What was accepted of a listed token outlives every time in which it cannot be read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.clients.manifests import Manifests
from tokencheck.gather.memory import Recollection
from tokencheck.gather.once import sources_once
from tokencheck.model.evidence import Absent, Denied, Failed, SecretContent, Unread
from tokencheck.model.keys import Key
from tokencheck.model.ports import WriteResult
from tokencheck.model.work import Next
from tokencheck.passes.check import check_pass
from tokencheck.publish.publish import Sinks

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = Key("TokenCheck", "shop", "checkout")
META = {"namespace": "shop", "uid": "u", "generation": 1}
LISTED = {"name": "token", "secretKeyRef": {"name": "api", "key": "token"}}
CHECK = {
    "kind": "TokenCheck",
    "metadata": META | {"name": "checkout"},
    "spec": {"tokens": [LISTED]},
}
GITHUB, SLACK = "ghp_" + "b" * 36, "xoxb-123456789012-123456789012-" + "a" * 24
WHAT = "Secret shop/api"


class Secrets(Manifests):
    """One Secret that holds a token, or that cannot be read."""

    def __init__(self, held: str | Unread) -> None:
        secret = {"kind": "Secret", "metadata": META | {"name": "api"}}
        self._unread = held if not isinstance(held, str) else None
        super().__init__(
            [CHECK, secret | {"stringData": {"token": held}}][: 1 + (not self._unread)]
        )

    async def secret(self, namespace: str, name: str) -> SecretContent | Unread:
        return self._unread or await super().secret(namespace, name)


class Passes:
    """Passes over the check, one after the other; takes what they write."""

    def __init__(self) -> None:
        self.check: TokenCheck | None = None
        self.next = Next()
        self._memory = Recollection()
        self._sinks = Sinks(status=self, events=self, board=self, shelf=self)

    def over(self, held: str | Unread) -> Mapping[str, Any]:
        """What the status says of the token after a pass."""
        inventory = Secrets(held)
        if self.check is not None:
            inventory._checks[KEY] = self.check  # noqa: SLF001 - a status, which files do not have
        sources = replace(sources_once(inventory, b"k" * 32), memory=self._memory)
        self.next = asyncio.run(check_pass(KEY, NOW, sources=sources, sinks=self._sinks))
        assert self.check is not None
        token: Mapping[str, Any] = self.check.status["tokens"][0]
        return token

    def put_written(self, check: TokenCheck) -> None:
        self.check = check

    async def write(self, *_: object, **__: object) -> tuple[WriteResult, str]:
        return WriteResult.WRITTEN, "2"

    def _ignore(self, *_: object) -> None:
        """Take no note of it."""

    emit = put = drop = _ignore


@pytest.mark.parametrize(
    "unread", [Failed(what=WHAT), Denied(what=WHAT), Absent(what=WHAT), ""], ids=repr
)
def test_a_token_that_comes_back_as_another_has_drifted(unread: str | Unread) -> None:
    """Else one read that failed would make whatever comes next the token that was accepted."""
    passes = Passes()
    assert passes.over(GITHUB)["baseline"]["kind"] == "GitHub"
    assert passes.over(unread)["baseline"]["kind"] == "GitHub"
    assert passes.over(SLACK)["baseline"]["kind"] == "GitHub"
    assert passes.check is not None
    found = {finding["reason"] for finding in passes.check.status["findings"]}
    assert "Drifted" in found, passes.check.status


@pytest.mark.parametrize(
    ("held", "retry", "unread"),
    [
        (GITHUB, False, False),
        (Absent(what=WHAT), False, False),
        (Denied(what=WHAT), True, False),
        (Failed(what=WHAT), True, True),
    ],
    ids=repr,
)
def test_a_read_without_an_answer_is_tried_again_within_seconds_and_a_refused_one_at_leisure(
    held: str | Unread, retry: bool, unread: bool
) -> None:
    """A right comes by an admin's hand; an answer may come with the next try."""
    passes = Passes()
    passes.over(held)
    assert (passes.next.retry, passes.next.unread) == (retry, unread)
