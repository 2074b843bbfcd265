"""The path language: what is one, and that writing and reading agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.api.path import MAX_LENGTH, MISSING, parse_path, path_text, walk

GOOD = [
    ("token", ("token",)),
    ("a.b", ("a", "b")),
    ('auths["registry.example.com"].auth', ("auths", "registry.example.com", "auth")),
    ('["a.b"]', ("a.b",)),
    ("[0]", (0,)),
    ("users[0].user.token", ("users", 0, "user", "token")),
    ('a["with \\" and \\\\"]', ("a", 'with " and \\')),
    ('[""]', ("",)),
    ("a-b_c.1", ("a-b_c", "1")),
]
BAD = [
    "",
    ".",
    ".a",
    "a.",
    "a..b",
    "a b",
    "a[",
    "a[b]",
    "a[-1]",
    "a[1234567]",
    "a['b']",
    'a["b]',
    'a["b\\n"]',
    'a.["b"]',
    "a[0]b",
    "$.a",
    "a[*]",
    "a[?(@.b)]",
    "*",
    ".".join("a" * 17),
    "a" * (MAX_LENGTH + 1),
    "é",
]


@pytest.mark.parametrize(("text", "path"), GOOD)
def test_a_path_is_names_and_indexes(text, path) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_no_path(text) -> None:
    assert parse_path(text) is None


@given(st.lists(st.text(max_size=20) | st.integers(0, 999_999), min_size=1, max_size=16))
def test_a_path_that_was_written_is_read_back(steps) -> None:
    text = path_text(tuple(steps))
    assert len(text) > MAX_LENGTH or parse_path(text) == tuple(steps)


@given(st.text(max_size=600))
def test_parsing_is_total(text) -> None:
    path = parse_path(text)
    assert path is None or parse_path(path_text(path)) == path


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a[1].b", None),
        ("a[0]", "x"),
        ("a[2]", MISSING),
        ("a.b", MISSING),
        ("c", MISSING),
        ("a[0].b", MISSING),
        ("[0]", MISSING),
    ],
)
def test_walking_finds_a_value_or_says_that_there_is_none(path, value) -> None:
    document = {"a": ["x", {"b": None}]}
    assert walk(document, parse_path(path)) is value or walk(document, parse_path(path)) == value
