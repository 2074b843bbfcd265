"""`verify --provider` asks the issuer that the provider names, as the operator does."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from issuer import Running


@pytest.fixture
def login() -> Iterator[Running]:
    running = Running()
    yield running
    running.end()


def verified(place, login: Running, kid: str):
    provider = place.file("login.yaml", json.dumps(login.issuer.provider()))
    token = place.file("token", login.issuer.token(kid))
    return place.run("verify", "--file", token, "--provider", provider)


def test_a_token_of_a_discovered_issuer_passes_and_is_not_sent(place, login: Running) -> None:
    done = verified(place, login, "k1")
    assert done.code == 0, done
    assert "signed by a trusted key" in done.out
    assert b"eyJ" not in login.issuer.said


def test_an_issuer_that_is_away_makes_the_token_unknown_and_not_bad(place, login: Running) -> None:
    login.does(lambda issuer: issuer.stop())
    done = verified(place, login, "k1")
    assert done.code == 3, done
    assert "the host does not accept connections" in done.out
    assert login.issuer.place not in done.out.replace(login.issuer.url, "")


def test_a_token_that_another_key_signed_fails(place, login: Running) -> None:
    token = login.issuer.token("k1")
    login.does(lambda issuer: issuer.rotate("k1", keep=False))
    provider = place.file("login.yaml", json.dumps(login.issuer.provider()))
    done = place.run("verify", "--file", place.file("token", token), "--provider", provider)
    assert done.code == 1, done
