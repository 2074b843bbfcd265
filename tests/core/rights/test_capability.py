"""Which scopes are capabilities on a path of Vault, and who has one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.api.tokencheck import Scopes
from tokencheck.core.rights.capability import WORDS, Capability, capability_of, has, paths_of


@pytest.mark.parametrize(
    ("scope", "word", "path"),
    [
        ("read:secret/data/payments", "read", "secret/data/payments"),
        ("update:auth/token/create", "update", "auth/token/create"),
        ("list:secret/metadata/", "list", "secret/metadata/"),
        ("sudo:sys/seal", "sudo", "sys/seal"),
        ("read:kv/a:b", "read", "kv/a:b"),
        ("read:kv/a+b c", "read", "kv/a+b c"),
        ("read:kv/straße", "read", "kv/straße"),
        (f"read:kv/{'p' * 125}", "read", f"kv/{'p' * 125}"),
    ],
)
def test_a_word_of_vault_and_a_path_are_a_capability(scope: str, word: str, path: str) -> None:
    assert capability_of(scope) == Capability(word, path)


@pytest.mark.parametrize(
    "scope",
    [
        "read",
        "read:",
        ":secret/data/payments",
        "Read:secret/data/payments",
        "write:secret/data/payments",
        "root:secret/data/payments",
        "deny:secret/data/payments",
        "read:/secret/data/payments",
        "read: secret/data/payments",
        "read:secret/data/payments ",
        "read:secret/data/*",
        "read:secret/data/pay*",
        "read:secret/+/payments",
        "read:+",
        "read:secret\n/data",
        "read:secret\0/data",
        "read:secret\u200b/data",
        "read:secret\ud800/data",
        "read:data",
        "read:auth",
        f"read:kv/{'p' * 126}",
    ],
)
def test_another_form_is_none(scope: str) -> None:
    assert capability_of(scope) is None


READ = Capability("read", "secret/data/payments")
SUDO = Capability("sudo", "sys/seal")


@pytest.mark.parametrize(
    ("told", "capability", "expected"),
    [
        (["read"], READ, True),
        (["create", "read", "update"], READ, True),
        (["update"], READ, False),
        (["deny"], READ, False),
        (["deny", "read"], READ, False),
        (["deny", "root"], READ, False),
        (["root"], READ, True),
        (["root"], SUDO, True),
        (["update"], SUDO, False),
        (["sudo", "update"], SUDO, True),
        (["sudo"], READ, False),
        (["subscribe"], READ, False),
        ([], READ, None),
        (None, READ, None),
    ],
)
def test_deny_wins_root_is_everything_and_no_other_word_includes_another(
    told: list[str] | None, capability: Capability, expected: bool | None
) -> None:
    assert has(None if told is None else frozenset(told), capability) is expected


def test_each_path_that_is_required_or_forbidden_is_asked_about_once() -> None:
    scopes = Scopes(
        required=("read:kv/b", "shop", "update:kv/b", "read:kv/a"),
        allowed=("read:kv/c",),
        forbidden=("sudo:kv/a", "delete:kv/d", "read:kv/*"),
    )
    assert paths_of(scopes) == ("kv/b", "kv/a", "kv/d")


@given(st.text(max_size=200) | st.text("k/+* \n"), st.sampled_from([*sorted(WORDS), "", "write"]))
def test_no_scope_raises_and_no_path_has_a_control_character(path: str, word: str) -> None:
    found = capability_of(f"{word}:{path}")
    if found is not None:
        assert found == (word, path)
        assert path.isprintable()
        assert len(path) <= 128
