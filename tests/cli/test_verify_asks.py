"""`verify --provider` asks the issuer that the provider names, and with `--ask` the vendor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeAlias

import pytest

from issuer import Issuer
from loopthread import LoopThread
from registryapi import PASSWORD, RegistryApi
from vendorapi import TOKENS, VendorApi

Login: TypeAlias = LoopThread[Issuer]
Vendors: TypeAlias = LoopThread[VendorApi]
GITHUB = TOKENS["GitHub"]


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


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    with LoopThread(VendorApi()) as running:
        yield running


def asked(place, vendors: Vendors, *options: str, token: str = GITHUB):
    """`verify` of a token with GitHub as its vendor."""
    provider = place.file("github.yaml", json.dumps(vendors.inner.provider("GitHub")))
    return place.run(
        "verify", "--file", place.file("token", token), "--provider", provider, *options
    )


def test_a_vendor_that_knows_the_token_vouches_for_it_and_tells_its_scopes(
    place, vendors: Vendors
) -> None:
    vendors.do(lambda api: api.lives.__setitem__(GITHUB, {"scopes": ["repo"]}))
    done = asked(place, vendors, "--ask", "--require-scope", "public_repo", "-o", "json")
    assert done.code == 0, done
    (token,) = done.document["tokens"]
    assert set(token["scopes"]["granted"]) > {"repo", "public_repo"}
    assert vendors.inner.asked == {GITHUB: 1}
    assert GITHUB not in done.out + done.err


def test_a_vendor_that_refuses_the_token_ends_the_command_with_1(place, vendors: Vendors) -> None:
    done = asked(place, vendors, "--ask")
    assert done.code == 1, done
    assert "GitHub does not accept it" in done.out


def test_a_vendor_that_is_away_leaves_the_token_unknown(place, vendors: Vendors) -> None:
    vendors.do(lambda api: setattr(api, "mode", "429"))
    done = asked(place, vendors, "--ask")
    assert done.code == 3, done


def test_without_ask_the_token_is_shown_to_nobody_and_the_way_is_said(
    place, vendors: Vendors
) -> None:
    done = asked(place, vendors)
    assert done.code == 3, done
    assert "add --ask to show the token to the vendor" in done.out
    assert vendors.inner.said == b""


def test_a_token_of_another_kind_is_shown_to_nobody(place, vendors: Vendors) -> None:
    done = asked(place, vendors, "--ask", token=TOKENS["Slack"])
    assert done.code == 3, done
    assert "a token of another kind" in done.out
    assert vendors.inner.said == b""


def test_of_keys_without_a_form_only_those_of_as_many_digits_are_shown(
    place, vendors: Vendors
) -> None:
    key = TOKENS["Datadog"]
    provider = place.file("datadog.yaml", json.dumps(vendors.inner.provider("Datadog")))
    for text, code in ((f"{key}0badcafe", 3), (key, 1)):
        token = place.file("token", text)
        done = place.run("verify", "--file", token, "--provider", provider, "--ask")
        assert done.code == code, done
    assert vendors.inner.asked == {key: 1}


def test_a_token_that_one_installation_of_several_does_not_know_is_inactive_there(
    place, vendors: Vendors
) -> None:
    text = TOKENS["TerraformCloud"]
    provider = place.file("tfe.yaml", json.dumps(vendors.inner.provider("TerraformCloud")))
    verify = ("verify", "--file", place.file("token", text), "--provider", provider, "--ask")
    done = place.run(*verify)
    assert done.code == 1, done
    assert "TerraformCloud does not accept it" in done.out
    vendors.do(lambda api: api.lives.__setitem__(text, {}))
    assert place.run(*verify).code == 0


def test_ask_without_a_vendor_says_what_is_missing(place, provider) -> None:
    token = place.file("token", GITHUB)
    for options in ([], ["--provider", place.file("p.yaml", json.dumps(provider))]):
        done = place.run("verify", "--file", token, "--ask", *options)
        assert done.code == 2, done
        assert "name one with spec.vendor in --provider FILE" in done.err


def test_a_vendor_that_answers_the_operator_alone_is_said_to_and_shown_nothing(
    place, vendors: Vendors
) -> None:
    provider = place.file("vault.yaml", json.dumps(vendors.inner.provider("Vault")))
    token = place.file("token", TOKENS["Vault"])
    done = place.run("verify", "--file", token, "--provider", provider, "--ask")
    assert done.code == 2, done
    assert "--ask cannot ask Vault: it answers the operator" in done.err
    assert "Look at the TokenCheck in the cluster" in done.err
    assert vendors.inner.said == b""


def test_no_registry_is_asked(place) -> None:
    with LoopThread(RegistryApi()) as registry:
        provider = place.file("registry.yaml", json.dumps(registry.inner.provider()))
        asked = ["verify", "--file", place.file("password", PASSWORD), "--provider", provider]
        done = place.run(*asked, "--ask")
        assert done.code == 2, done
        assert "--ask asks no registry" in done.err
        assert registry.inner.said == b""
        done = place.run(*asked)
        assert done.code == 3, done
        assert registry.inner.said == b""
