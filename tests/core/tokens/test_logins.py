"""The logins of docker configurations: which registry, and which user beside the password."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes import JSON
from tokencheck.api.path import path_text
from tokencheck.core.tokens.documents import tokens_in
from tokencheck.core.tokens.formats import finished
from tokencheck.core.tokens.logins import Entry, entry_steps, host_of
from tokencheck.model.reveal import reveal
from tokencheck.model.sealed import Sealed

HOST = "registry.example.com"
AUTH, PASSWORD = (f'auths["{HOST}"].{part}' for part in ("auth", "password"))


def auth(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def pair_of(document: object, field: str = AUTH) -> bytes | None:
    found = finished(entry_steps(Sealed(json.dumps(document).encode()), field))
    if found is None:
        return None
    assert found.host == HOST
    return reveal(found.pair)


def one(**members: Any) -> dict[str, Any]:
    return {"auths": {HOST: members}}


@pytest.mark.parametrize(
    ("document", "field", "pair"),
    [
        (one(auth=auth("ci:s3cret:with:colons")), AUTH, b"ci:s3cret:with:colons"),
        (one(auth=auth("ci:s3cret\0\0")), AUTH, b"ci:s3cret"),
        (one(auth=auth("ci:s3cre").rstrip("=")), AUTH, b"ci:s3cre"),
        (one(auth="Y2k6\nczNj\r\ncmV0\n"), AUTH, b"ci:s3cret"),
        (one(auth="Y2k6czNjcmU=\n"), AUTH, b"ci:s3cre"),
        (one(auth=auth("ci:s3cret\n")), AUTH, b"ci:s3cret\n"),
        (one(auth="Y2k6c"), AUTH, None),
        (one(auth="Y2k6czNjcm="), AUTH, None),
        (one(username="ann", password="other", auth=auth("ci:s3cret")), AUTH, b"ci:s3cret"),
        (one(username="ann", password="s:t", auth=auth("ci:x")), PASSWORD, b"ann:s:t"),
        ({HOST: {"auth": auth("ci:s3cret")}}, f'["{HOST}"].auth', b"ci:s3cret"),
        (one(password="s3cret"), PASSWORD, None),
        (one(username="a:b", password="s3cret"), PASSWORD, None),
        (one(username=7, password="s3cret"), PASSWORD, None),
        (one(auth=auth("ci:")), AUTH, None),
        (one(auth=auth(":s3cret")), AUTH, None),
        (one(auth=auth("s3cret")), AUTH, None),
        (one(auth=auth(f"{'u' * 2000}:s3cret")), AUTH, None),
        (one(auth="!!!"), AUTH, None),
        (one(auth=None), AUTH, None),
        (one(identitytoken="s3cret"), f'auths["{HOST}"].identitytoken', None),
        (one(auth=auth("ci:x"), registrytoken="t"), f'auths["{HOST}"].registrytoken', None),
        ({"auths": {HOST: "text"}}, AUTH, None),
        ({"auths": {"other.example.com": {"auth": auth("ci:x")}}}, AUTH, None),
        ([1], AUTH, None),
    ],
)
def test_a_login_is_a_user_and_a_password_of_one_entry(
    document: object, field: str, pair: bytes | None
) -> None:
    assert pair_of(document, field) == pair


@pytest.mark.parametrize(
    ("field", "host"),
    [
        (AUTH, HOST),
        (PASSWORD, HOST),
        ('auths["https://index.docker.io/v1/"].auth', "docker.io"),
        ('auths["*.example.com"].auth', ""),
        (f'auths["{HOST}"].username', ""),
        (f'a.auths["{HOST}"].auth', ""),
        ("auth", ""),
        ("auths[0].auth", ""),
        ("", ""),
        ("a..b", ""),
    ],
)
def test_a_field_tells_of_which_registry_it_is_the_password(field: str, host: str) -> None:
    assert host_of(field) == host


def test_what_is_no_document_holds_no_login() -> None:
    assert finished(entry_steps(Sealed(b"s3cret"), AUTH)) is None


@given(entry=JSON, field=st.sampled_from([AUTH, PASSWORD]))
def test_any_entry_is_a_login_or_none(entry: Any, field: str) -> None:
    pair = pair_of({"auths": {HOST: entry}}, field)
    assert pair is None or b":" in pair


@given(user=st.text(min_size=1, max_size=9), password=st.text(min_size=1, max_size=9))
def test_the_password_that_is_found_is_that_of_the_login(user: str, password: str) -> None:
    document = json.dumps(one(auth=auth(f"{user}:{password}"))).encode()
    found = dict(tokens_in(".dockerconfigjson", Sealed(document)))
    login = finished(entry_steps(Sealed(document), path_text(("auths", HOST, "auth"))))
    if AUTH in found and ":" not in user:
        assert isinstance(login, Entry)
        assert reveal(login.pair).partition(b":")[2] == reveal(found[AUTH])


def test_one_password_at_two_registries_is_two_logins() -> None:
    """A server of artifacts has many registries, and each entry of theirs is asked about."""
    others = ("team-a.example.com", "https://team-b.example.com/v2/")
    members = {
        "username": "ci",
        "password": "s3cretOfAllOfThem",
        "auth": auth("ci:s3cretOfAllOfThem"),
    }
    document = {"auths": dict.fromkeys((HOST, *others), members)}
    found = tokens_in(".dockerconfigjson", Sealed(json.dumps(document).encode()))
    assert [host_of(field) for field, _ in found] == [
        HOST,
        "team-a.example.com",
        "team-b.example.com",
    ]
