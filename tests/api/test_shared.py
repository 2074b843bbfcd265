"""What is equal in many TokenChecks is held once."""

from __future__ import annotations

import tracemalloc
from typing import Any

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.shared import shared
from tokencheck.api.tokencheck import Level, TokenCheck
from tokencheck.core.workloads.references import references_of
from tokencheck.model.keys import Key


def check(name: str, **token: Any) -> TokenCheck:
    """Parsed from texts that nobody else holds, as they come from a watch."""
    given = {"name": "".join("api"), "secretKeyRef": {"name": name, "key": "".join("token")}}
    meta = {"name": name, "namespace": "".join(("sh", "op"))}
    reference = {"name": "".join(("log", "in"))}
    spec = {"tokens": [given | {"providerRef": reference} | token], "policy": {"drift": "Fail"}}
    return parse_tokencheck({"metadata": meta, "spec": spec})


def test_two_checks_that_look_alike_hold_the_same_values() -> None:
    one, other = check("a", scopes={"required": ["x"]}), check("b", scopes={"required": ["x"]})
    assert one.spec.policy is other.spec.policy
    assert one.spec.gate is other.spec.gate
    assert one.spec.default_expiry is other.spec.default_expiry
    assert one.namespace is other.namespace
    assert one.annotations is other.annotations
    (mine,), (theirs,) = one.spec.tokens, other.spec.tokens
    assert mine.scopes is theirs.scopes
    assert mine.expiry is theirs.expiry
    assert mine.provider is theirs.provider
    assert mine.source != theirs.source


def test_who_writes_one_check_again_and_again_has_little_kept() -> None:
    """4,096 values stay, of checks that are gone too: of long lists of scopes 200 MiB and more."""
    tracemalloc.start()
    for number in range(500):
        scopes = [f"{number}-{index}".ljust(128, "\N{GRINNING FACE}") for index in range(32)]
        assert check("a", scopes={"required": scopes}).spec.tokens[0].scopes.required
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1 << 20


def test_two_checks_of_a_namespace_name_it_by_one_key() -> None:
    found = [
        next(key for key in references_of(check(name)) if key.kind == "Namespace")
        for name in ("a", "b")
    ]
    assert found[0] is found[1]


def test_a_value_of_another_type_is_another_one_although_it_is_equal() -> None:
    assert Level.WARN == "Warn"
    assert shared(Level.WARN) is Level.WARN
    assert type(shared("Warn")) is str
    assert type(shared(Key("Namespace", "", "shop"))) is Key
    assert type(shared(("Namespace", "", "shop"))) is tuple
