"""Whose token may be shown at all: of a check that was written unseen, none is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gather.test_discover import secret_with
from gather.test_rights import Answers
from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.clients.manifests import Manifests
from tokencheck.gather.held import Reading, listed
from tokencheck.gather.memory import Recollection
from tokencheck.gather.once import NoInterest
from tokencheck.gather.showing import Showing
from tokencheck.gather.sources import Sources
from tokencheck.gather.trust import trust_of
from tokencheck.model.activity import Activity, ActivityState
from tokencheck.model.reasons import Reason
from vendorapi import VendorApi

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
TOKEN = b"ghp_" + b"a" * 36
REVIEWED = Answers({})


@pytest.fixture
async def provider() -> AsyncIterator[dict[str, Any]]:
    """One that is asked about tokens."""
    async with VendorApi() as api:
        yield api.provider("GitHub", "login")


async def said_of(
    provider: dict[str, Any], annotations: dict[str, str], reviews: Answers | None
) -> tuple[Activity, int]:
    """What is said of the token, and how many would be shown to somebody."""
    showing = Showing()
    sources = Sources(
        inventory=Manifests([provider]),
        memory=Recollection(),
        interest=NoInterest(),
        own_namespace="",
        fingerprint_key=b"k" * 32,
        liveness=showing,
        reviews=reviews,
    )
    token = {"name": "a", "secretKeyRef": {"name": "api", "key": "t"}}
    token |= {"providerRef": {"name": "login"}}
    meta = {"name": "checkout", "namespace": "shop", "uid": "u", "generation": 1}
    meta |= {"resourceVersion": "1", "annotations": annotations}
    check = parse_tokencheck({"metadata": meta, "spec": {"tokens": [token]}})
    (spec,) = check.spec.tokens
    reading = Reading(
        check=check, secrets={"api": secret_with(t=TOKEN)}, pods=(), sources=sources, now=NOW
    )
    trust = await trust_of("shop", spec, sources, NOW)
    evidence = await listed(reading, spec, (), trust)
    assert evidence.activity is not None
    return evidence.activity, sum(one.tokens for one in showing.planned)


@pytest.mark.parametrize(
    ("annotations", "reviews"),
    [
        ({"tokencheck.dev/requester": "ann"}, REVIEWED),
        # Who cannot be named was looked at all the same.
        ({"tokencheck.dev/requester": ""}, REVIEWED),
        # Where the API server cannot stamp, nobody has a stamp.
        ({}, None),
    ],
    ids=["a name", "an empty name", "no stamps"],
)
async def test_a_token_is_shown_for_whom_admission_has_seen(
    provider: dict[str, Any], annotations: dict[str, str], reviews: Answers | None
) -> None:
    said, shown = await said_of(provider, annotations, reviews)
    assert "written before" not in said.detail
    assert shown == 1


async def test_a_token_of_a_check_that_was_written_unseen_is_shown_to_nobody(
    provider: dict[str, Any],
) -> None:
    said, shown = await said_of(provider, {}, REVIEWED)
    assert (said.state, said.reason) == (ActivityState.NOT_SENT, Reason.NOT_ASKED)
    assert "change its spec" in said.detail
    assert shown == 0
