"""Discovery: which names may be told, what a search may cost, and what waits for a Secret.

Names that stand in a Secret's document are foreign text: not every one may be told.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tokencheck.api.tokencheck import ANNOTATION_ACCEPT_DRIFT
from tokencheck.clients.manifests import Manifests
from tokencheck.core.drafts.implicit import check_of, reference_to, unmounted
from tokencheck.core.tokens.documents import select_steps, token_steps
from tokencheck.core.workloads.locate import Located, Mount
from tokencheck.gather.discover import Discovered, discovered
from tokencheck.gather.held import Reading
from tokencheck.gather.memory import Recollection
from tokencheck.gather.once import NoInterest
from tokencheck.gather.sources import Sources
from tokencheck.gather.turns import in_turns
from tokencheck.model.evidence import (
    Absent,
    Denied,
    Failed,
    Held,
    SecretContent,
    SecretMeta,
    Unread,
)
from tokencheck.model.sealed import Sealed

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOKEN = "ghp_" + "b" * 36
CANARY = "ghp_" + "CANARY" * 6
WHOLE = Mount(secret="api", key=None, sites=())


def reading_of(
    secret: SecretContent | Unread, *, status: Mapping[str, Any] | None = None
) -> Reading:
    """What one pass has at hand of a check that names no token."""
    check = check_of("shop", reference_to(unmounted("shop", "api")))
    return Reading(
        check=replace(check, status=status or {}),
        secrets={"api": secret},
        pods=(),
        sources=Sources(
            inventory=Manifests([]),
            memory=Recollection(),
            interest=NoInterest(),
            own_namespace="",
            fingerprint_key=b"k" * 32,
        ),
        now=NOW,
    )


def secret_with(**values: bytes) -> SecretContent:
    meta = SecretMeta(
        namespace="shop",
        name="api",
        uid="u",
        resource_version="1",
        created_at=NOW,
        changed_at=NOW,
        witnessed=True,
    )
    return SecretContent(meta=meta, values={k: Sealed(v) for k, v in values.items()})


def search(reading: Reading, mount: Mount = WHOLE) -> Discovered:
    return asyncio.run(discovered(reading, Located(mounted=(mount,))))


def names(found: Discovered) -> list[str]:
    return [token.spec.name for token in found.tokens]


def found_in(document: object) -> list[str]:
    """Name and source of each token that is discovered in a Secret with this document."""
    reading = reading_of(secret_with(**{"c.json": json.dumps(document).encode()}))
    return [f"{one.spec.name} | {one.source}" for one in search(reading).tokens]


def test_a_token_in_a_document_is_named_by_its_path() -> None:
    assert found_in({"users": {"ci": {"token": TOKEN}}}) == [
        'api/c.json:users.ci.token | Secret shop/api key "c.json" field users.ci.token'
    ]


@pytest.mark.parametrize("name", [CANARY, "x y" * 300], ids=["a token", "a long one"])
def test_a_name_that_may_not_be_told_is_replaced_by_the_token_s_place(name: str) -> None:
    told = found_in({"users": {"ci": {"token": TOKEN}, name: {"token": TOKEN[:-1] + "c"}}})
    assert told[1] == 'api/c.json:#2 | Secret shop/api key "c.json" field #2'
    assert name not in "".join(told)


# What a search costs: YAML is slow, and everybody waits for it.


def yaml_of(size: int, number: int = 0) -> bytes:
    """A YAML document of about this size that holds one token."""
    start = f"token: ghp_{number:036d}\nlines:\n".encode()
    line = b"- {name: abc, of: [a, b, c]}\n"
    return start + line * ((size - len(start)) // len(line))


def facts_in(found: Discovered) -> list[object]:
    return [t.holding.facts for t in found.tokens if isinstance(t.holding, Held)]


def test_a_value_that_did_not_change_is_not_read_again() -> None:
    reading = reading_of(secret_with(**{"c.yaml": yaml_of(1000), "d.yaml": b"a: nothing here"}))
    first, second = search(reading), search(reading)
    assert names(first) == names(second) == ["api/c.yaml:token"]
    assert facts_in(second)[0] is facts_in(first)[0]
    changed = replace(reading, secrets={"api": secret_with(**{"c.yaml": yaml_of(1000, 7)})})
    assert facts_in(search(changed)) != facts_in(first)


def test_the_same_value_under_another_name_is_read_anew() -> None:
    """The name tells whether an opaque text is a token."""
    opaque = b'["Zq3Xw8Tn5Rk1Vb7MjZq3Xw8Tn5Rk1Vb7Mj"]'
    reading = reading_of(secret_with(token=opaque))
    other = replace(reading, secrets={"api": secret_with(colour=opaque)})
    assert (names(search(other)), names(search(reading))) == ([], ["api/token:[0]"])


def test_others_have_their_turn_between_the_keys() -> None:
    reading = reading_of(secret_with(**{f"{n}.yaml": yaml_of(5000, n) for n in range(8)}))
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def both() -> None:
        task = asyncio.create_task(other())
        await discovered(reading, Located(mounted=(WHOLE,)))
        task.cancel()

    asyncio.run(both())
    assert turns >= 8


@pytest.mark.parametrize("field", [None, "token"], ids=["found", "named by a field"])
def test_others_have_their_turn_within_one_large_document(field: str | None) -> None:
    """The loop is kept for a few milliseconds at a time, not for the tenth of a second it takes."""
    value = Sealed(yaml_of(120 * 1024))
    steps = token_steps("c.yaml", value) if field is None else select_steps(value, field)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def both() -> object:
        task = asyncio.create_task(other())
        found = await in_turns(steps)
        task.cancel()
        return found

    assert asyncio.run(both())
    assert turns > 20


def test_what_a_secret_holds_beyond_256_kib_of_yaml_is_named_and_not_read() -> None:
    values = {f"{n}.yaml": yaml_of(120 * 1024, n) for n in range(4)} | {"t": TOKEN.encode()}
    reading = reading_of(secret_with(**values))
    for found in (search(reading), search(reading)):  # whether it was read before or not
        assert names(found) == ["api/0.yaml:token", "api/1.yaml:token", "api/t"]
        assert found.unsearched == ("api/2.yaml", "api/3.yaml")


def test_a_yaml_document_that_is_too_large_by_itself_is_named() -> None:
    found = search(reading_of(secret_with(**{"c.yaml": yaml_of(130 * 1024)})))
    assert (names(found), found.unsearched) == ([], ("api/c.yaml",))


def test_what_a_check_holds_beyond_200_tokens_is_named_and_not_read() -> None:
    def document(first: int) -> bytes:
        return json.dumps({f"t{n}": f"ghp_{n:036d}" for n in range(first, first + 90)}).encode()

    values = {f"{n}.json": document(100 * n) for n in range(4)}
    found = search(reading_of(secret_with(**values)))
    assert len(found.tokens) == 200
    assert found.unsearched == ("api/2.json", "api/3.json")


# A Secret that is deleted and made again.

STORED = {
    "tokens": [
        {"name": "api/token", "baseline": {"issuer": "https://old", "kind": "JWT"}},
        {"name": "api/c.json:users.ci", "baseline": {"kind": "GitHubToken"}},
        {"name": "api-2/token", "baseline": {"kind": "JWT"}},
        {"name": "api", "baseline": {"kind": "JWT"}},
    ]
}


@pytest.mark.parametrize("why", [Absent(what="Secret shop/api"), Failed(what="Secret shop/api")])
def test_the_tokens_of_a_secret_that_is_gone_wait_for_it_with_their_baselines(why: Unread) -> None:
    found = search(reading_of(why, status=STORED))
    assert names(found) == ["api/token", "api/c.json:users.ci"]
    assert [t.holding for t in found.tokens] == [why, why]
    assert [t.baseline.kind for t in found.tokens if t.baseline] == ["JWT", "GitHubToken"]
    assert found.tokens[1].source == 'Secret shop/api key "c.json" field users.ci'


def test_only_the_mounted_key_of_a_secret_that_is_gone_is_waited_for() -> None:
    mount = replace(WHOLE, key="c.json")
    found = search(reading_of(Absent(what="Secret shop/api"), status=STORED), mount)
    assert names(found) == ["api/c.json:users.ci"]


def test_a_secret_that_was_never_there_is_named_alone() -> None:
    found = search(reading_of(Absent(what="Secret shop/api")))
    assert names(found) == ["api"]
    assert found.tokens[0].baseline is None


# What was found before and cannot be looked for, or is not there any more.


def judged(**more: Any) -> dict[str, Any]:
    """The stored status of the spec as it is."""
    return STORED | {"observedGeneration": reading_of(secret_with()).check.generation} | more


@pytest.mark.parametrize(
    "why", [Denied(what="Deployment shop/a"), Failed(what="Deployment shop/a")]
)
def test_the_tokens_of_a_workload_that_cannot_be_read_keep_their_baselines(why: Unread) -> None:
    reading = reading_of(secret_with(), status=judged())
    found = asyncio.run(discovered(reading, Located(), why))
    assert names(found) == ["api/token", "api/c.json:users.ci", "api-2/token"]
    assert all(token.holding == why and token.baseline for token in found.tokens)


@pytest.mark.parametrize(
    ("why", "status"),
    [
        (Absent(what="Deployment shop/a"), judged()),
        (Denied(what="x"), judged(observedGeneration=-1)),
    ],
    ids=["the workload is gone", "the spec is another one"],
)
def test_the_tokens_of_a_workload_that_is_gone_or_not_meant_any_more_are_let_go(
    why: Unread, status: Any
) -> None:
    reading = reading_of(secret_with(), status=status)
    assert asyncio.run(discovered(reading, Located(), why)).tokens == ()


def test_a_key_that_held_a_token_and_is_gone_is_told_until_it_is_accepted() -> None:
    reading = reading_of(secret_with(other=TOKEN.encode()), status=judged())
    found = search(reading)
    assert names(found) == ["api/other", "api/token", "api/c.json:users.ci"]
    gone = found.tokens[1]
    assert gone.holding == Absent(what='Secret shop/api key "token"', key_only=True, removed=True)
    assert gone.baseline is not None
    annotations = {ANNOTATION_ACCEPT_DRIFT: "1"}  # the Secret's version
    accepted = replace(reading, check=replace(reading.check, annotations=annotations))
    assert names(search(accepted)) == ["api/other"]


def test_a_key_that_comes_back_meets_its_baseline() -> None:
    found = search(reading_of(secret_with(token=TOKEN.encode()), status=judged()))
    assert found.tokens[0].spec.name == "api/token"
    assert found.tokens[0].baseline is not None
    assert found.tokens[0].baseline.issuer == "https://old"
