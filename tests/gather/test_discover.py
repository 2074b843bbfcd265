"""Names that stand in a Secret's document are foreign text: not every one may be told."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tokencheck.core.drafts.implicit import check_of, reference_to, unmounted
from tokencheck.core.workloads.locate import Located, Mount
from tokencheck.gather.discover import discovered
from tokencheck.gather.held import Reading
from tokencheck.gather.memory import Recollection
from tokencheck.gather.once import NoInterest
from tokencheck.gather.sources import Sources
from tokencheck.model.evidence import SecretContent, SecretMeta
from tokencheck.model.sealed import Sealed

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOKEN = "ghp_" + "b" * 36
CANARY = "ghp_" + "CANARY" * 6


def found_in(document: object) -> list[str]:
    """Name and source of each token that is discovered in a Secret with this document."""
    meta = SecretMeta(
        namespace="shop",
        name="api",
        uid="u",
        resource_version="1",
        created_at=NOW,
        changed_at=NOW,
        witnessed=True,
    )
    value = Sealed(json.dumps(document).encode())
    reading = Reading(
        check=check_of("shop", reference_to(unmounted("shop", "api"))),
        secrets={"api": SecretContent(meta=meta, values={"c.json": value})},
        pods=(),
        sources=Sources(
            inventory=None,  # type: ignore[arg-type]  # nothing is read here
            memory=Recollection(),
            interest=NoInterest(),
            own_namespace="",
            fingerprint_key=b"k" * 32,
        ),
        now=NOW,
    )
    located = Located(mounted=(Mount(secret="api", key=None, sites=()),))
    return [f"{one.spec.name} | {one.source}" for one in discovered(reading, located)]


def test_a_token_in_a_document_is_named_by_its_path() -> None:
    assert found_in({"users": {"ci": {"token": TOKEN}}}) == [
        'api/c.json:users.ci.token | Secret shop/api key "c.json" field users.ci.token'
    ]


@pytest.mark.parametrize("name", [CANARY, "x y" * 300], ids=["a token", "a long one"])
def test_a_name_that_may_not_be_told_is_replaced_by_the_token_s_place(name: str) -> None:
    told = found_in({"users": {"ci": {"token": TOKEN}, name: {"token": TOKEN[:-1] + "c"}}})
    assert told[1] == 'api/c.json:#2 | Secret shop/api key "c.json" field #2'
    assert name not in "".join(told)
