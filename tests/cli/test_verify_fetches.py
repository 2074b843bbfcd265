"""`verify --jwks https://…` asks a server for its public keys, once; a fault is Unknown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeAlias

import pytest

from issuer import Issuer
from loopthread import LoopThread
from tlsserver import Asked, Said

Login: TypeAlias = LoopThread["Keys"]
PRIVATE = ("--allow-private", "127.0.0.0/8")


class Keys(Issuer):
    """An issuer that can also publish far too much, or nothing of use."""

    def answer(self, asked: Asked) -> Said | None:
        if self.mode == "endless":
            return Said(body=b" " * (2 << 20))
        if self.mode == "empty":
            return Said(body=b'{"keys": []}')
        return super().answer(asked)


@pytest.fixture
def login() -> Iterator[Login]:
    with LoopThread(Keys()) as running:
        running.do(lambda issuer: issuer.rotate("k1"))
        yield running


def verified(place, login: Login, *options: str, token: str | None = None, query: str = ""):
    """`verify` of a token with the keys of that server; the options say how it is reached."""
    file = place.file("token", token or login.inner.token("k1"))
    address = f"{login.inner.url}/keys{query}"
    issuer = ("--issuer", login.inner.url)
    return place.run("verify", "--file", file, "--jwks", address, *issuer, *options)


def reaching(place, login: Login) -> tuple[str, ...]:
    return (*PRIVATE, "--ca-bundle", place.file("ca.pem", login.inner.authority.pem))


def test_the_keys_of_an_address_vouch_and_the_token_is_not_sent(place, login: Login) -> None:
    done = verified(place, login, *reaching(place, login))
    assert done.code == 0, done
    assert "signed by a trusted key" in done.out
    assert login.inner.asked == {f"{login.inner.path}/keys": 1}
    assert b"eyJ" not in login.inner.said


def test_a_token_that_another_key_signed_fails(place, login: Login) -> None:
    token = login.inner.token("k1")
    login.do(lambda issuer: issuer.rotate("k1", keep=False))
    done = verified(place, login, *reaching(place, login), token=token)
    assert done.code == 1, done


FAULTS = {
    "500": ("ProviderUnavailable", "HTTP 500"),
    "429": ("RateLimited", "asked too often"),
    "redirect": ("RedirectRefused", "redirects are not followed: write the final address"),
    "html": ("UnexpectedAnswer", "a web page came instead of JSON"),
    "endless": ("AnswerTooLarge", ""),
    "empty": ("KeysUnavailable", "no usable public key"),
}


@pytest.mark.parametrize("mode", FAULTS)
def test_a_fault_of_the_server_leaves_the_token_unknown_and_says_what_next(
    place, login: Login, mode: str
) -> None:
    reason, words = FAULTS[mode]
    login.do(lambda issuer: setattr(issuer, "mode", mode))
    done = verified(place, login, *reaching(place, login), "-o", "json")
    assert done.code == 3, done
    (said,) = [f for f in done.document["findings"] if f["check"] == "Signature"]
    assert (said["result"], said["reason"]) == ("Unknown", reason)
    assert words in said["message"]
    assert "provider" not in said["message"]
    assert "run it again" in said["action"]
    assert sum(login.inner.asked.values()) <= 1  # no redirect is followed, nothing is tried again


def test_a_server_that_is_away_leaves_the_token_unknown(place, login: Login) -> None:
    options = reaching(place, login)
    login.do(lambda issuer: issuer.stop())
    done = verified(place, login, *options)
    assert done.code == 3, done
    assert "the host does not accept connections" in done.out


def test_a_private_address_is_asked_only_when_it_is_allowed(place, login: Login) -> None:
    _, _, *bundle = reaching(place, login)
    for options in ([], ["--allow-private", "10.0.0.0/8", "--allow-private", "192.168.0.0/16"]):
        done = verified(place, login, *bundle, *options)
        assert done.code == 3, done
        assert "AddressForbidden" in done.out
        assert "--allow-private CIDR" in done.out
    assert login.inner.connections == 0


def test_cloud_metadata_is_never_asked_whatever_is_allowed(place, login: Login) -> None:
    token = place.file("token", login.inner.token("k1"))
    address = "https://169.254.169.254/keys"
    options = ("--jwks", address, "--allow-private", "169.254.0.0/16")
    done = place.run("verify", "--file", token, *options)
    assert done.code == 3, done
    assert "AddressForbidden" in done.out


def test_a_certificate_of_an_unknown_authority_leaves_the_token_unknown(
    place, login: Login
) -> None:
    done = verified(place, login, *PRIVATE)
    assert done.code == 3, done
    assert "TLSFailed" in done.out
    assert "see --ca-bundle" in done.out
    assert login.inner.said == b""


def test_the_query_of_the_address_is_not_shown(place, login: Login) -> None:
    done = verified(place, login, *PRIVATE, query="?key=canary")
    assert done.code == 3, done
    assert "canary" not in done.out + done.err


WRONG = {
    "an address without TLS": ["--jwks", "http://login.example.com/keys?canary"],
    "an address with a user name": ["--jwks", "https://canary@login.example.com/keys"],
    "a network with host bits": [
        *("--jwks", "https://login.example.com/keys"),
        *("--allow-private", "10.0.0.1/8"),
    ],
    "authorities that are not there": [
        *("--jwks", "https://login.example.com/keys"),
        *("--ca-bundle", "nowhere.pem"),
    ],
    "a network without an address": ["--allow-private", "10.0.0.0/8"],
    "authorities beside a file": ["--jwks", "jwks.json", "--ca-bundle", "ca.pem"],
}


@pytest.mark.parametrize("args", list(WRONG.values()), ids=list(WRONG))
def test_usage_ends_with_2_and_shows_no_address(place, args) -> None:
    ran = place.run("verify", "-", *args)
    assert ran.code == 2, ran
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert "canary" not in ran.err


def test_a_bundle_without_certificates_ends_with_2(place) -> None:
    bundle = place.file("ca.pem", json.dumps({"no": "certificate"}))
    address = "https://login.example.com/keys"
    ran = place.run("verify", "-", "--jwks", address, "--ca-bundle", bundle)
    assert ran.code == 2, ran
    assert "--ca-bundle holds no PEM certificates" in ran.err
