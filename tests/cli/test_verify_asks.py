"""`verify --provider` asks the issuer that the provider names, as the operator does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeAlias

import pytest

from issuer import Issuer
from loopthread import LoopThread

Login: TypeAlias = LoopThread[Issuer]


@pytest.fixture
def login() -> Iterator[Login]:
    with LoopThread(Issuer()) as running:
        running.do(lambda issuer: issuer.rotate("k1"))
        yield running


def verified(place, login: Login, kid: str):
    provider = place.file("login.yaml", json.dumps(login.inner.provider()))
    token = place.file("token", login.inner.token(kid))
    return place.run("verify", "--file", token, "--provider", provider)


def test_a_token_of_a_discovered_issuer_passes_and_is_not_sent(place, login: Login) -> None:
    done = verified(place, login, "k1")
    assert done.code == 0, done
    assert "signed by a trusted key" in done.out
    assert b"eyJ" not in login.inner.said


def test_an_issuer_that_is_away_makes_the_token_unknown_and_not_bad(place, login: Login) -> None:
    login.do(lambda issuer: issuer.stop())
    done = verified(place, login, "k1")
    assert done.code == 3, done
    assert "the host does not accept connections" in done.out
    assert login.inner.place not in done.out.replace(login.inner.url, "")


def test_a_token_that_another_key_signed_fails(place, login: Login) -> None:
    token = login.inner.token("k1")
    login.do(lambda issuer: issuer.rotate("k1", keep=False))
    provider = place.file("login.yaml", json.dumps(login.inner.provider()))
    done = place.run("verify", "--file", place.file("token", token), "--provider", provider)
    assert done.code == 1, done
