"""Granted scopes in every form that issuers write."""

from __future__ import annotations

import pytest

from tokencheck.core.tokens.scopes import granted

ROWS = [
    ("text is split at spaces", {"scope": "b a"}, ["scope"], ("a", "b")),
    ("any white space separates", {"scope": "b\ta\n c"}, ["scope"], ("a", "b", "c")),
    ("a comma before a space separates too", {"scope": "repo, user"}, ["scope"], ("repo", "user")),
    ("a comma inside belongs to the scope", {"scope": "groups:a,b"}, ["scope"], ("groups:a,b",)),
    (
        "a list is taken as it is",
        {"roles": ["Payment Admin", "a"]},
        ["roles"],
        ("Payment Admin", "a"),
    ),
    ("the same scope is listed once", {"scope": "a a", "scp": ["a"]}, ["scope", "scp"], ("a",)),
    ("a nested claim is found by path", {"realm": {"roles": ["a"]}}, ["realm.roles"], ("a",)),
    (
        "a client's roles are found by path",
        {"resource_access": {"my.app": {"roles": ["a"]}}},
        ['resource_access["my.app"].roles'],
        ("a",),
    ),
    (
        "a name with dots is a name first",
        {"https://example.com/roles": "a"},
        ["https://example.com/roles"],
        ("a",),
    ),
    ("no such claim", {"other": "a"}, ["scope", "a.b"], None),
    ("a name that is neither a claim nor a path", {"a": "b"}, ["https://x/"], None),
    ("no names", {"scope": "a"}, [], None),
    ("an empty text grants nothing", {"scope": " "}, ["scope"], ()),
    ("an empty list grants nothing", {"scp": []}, ["scp"], ()),
    ("empty names in a list are none", {"scp": ["", "a"]}, ["scp"], ("a",)),
    ("a number is no scope claim", {"scope": 5}, ["scope"], None),
    ("a list with a number says nothing", {"scp": ["a", 5]}, ["scp"], None),
    ("null says nothing", {"scope": None}, ["scope"], None),
    ("one unreadable claim leaves all unknown", {"scope": "a", "scp": 5}, ["scope", "scp"], None),
]


@pytest.mark.parametrize(
    ("payload", "claims", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_granted_scopes(payload, claims, expected) -> None:
    assert granted(payload, claims) == expected
