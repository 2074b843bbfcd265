"""A real operator asks the APIs of vendors whether tokens live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from cluster.shop import (
    Shop,
    condition,
    env,
    eventually,
    findings,
    listed,
    pod_spec,
    ready,
    states,
    token_of,
)
from controlplane import Api
from loopthread import LoopThread
from vendorapi import GITHUB_FORMS, TOKENS, VendorApi

Vendors: TypeAlias = LoopThread[VendorApi]
Trusts: TypeAlias = Callable[[str], str]

GOOD = ("True", "AllChecksPassed")
PATIENCE_S = 120.0

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    with LoopThread(VendorApi()) as running:
        yield running


@pytest.fixture
def trusts(vendors: Vendors, admin: Api, namespace: str) -> Iterator[Trusts]:
    """Makes a TokenProvider of a vendor and returns its name."""
    made: list[str] = []

    def trusted(vendor: str) -> str:
        name = f"{namespace}-{vendor.lower()}"
        told_by_looks = {} if vendor in ("Datadog", "HTTP") else {"match": {"kinds": [vendor]}}
        admin.apply(vendors.inner.provider(vendor, name, **told_by_looks))
        made.append(name)
        return name

    yield trusted
    for name in made:
        admin.delete("TokenProvider", name)


def lives(vendors: Vendors, token: str, **told: object) -> None:
    vendors.do(lambda api: api.lives.__setitem__(token, told))


def checked(shop: Shop, provider: str, name: str, **expected: object) -> None:
    shop.check(name, listed(name, providerRef={"name": provider}, **expected), interval="30s")


def test_a_github_token_lives_until_github_refuses_it_and_its_scopes_and_end_are_github_s(
    shop: Shop, vendors: Vendors, trusts: Trusts
) -> None:
    token = TOKENS["GitHub"]
    lives(vendors, token, scopes=["repo", "read:org"], ends="2096-10-02 07:06:40 UTC")
    shop.secret("github", token)
    checked(
        shop, trusts("GitHub"), "github", scopes={"required": ["repo"], "allowed": ["read:org"]}
    )
    found = shop.reads("github", *GOOD, timeout_s=PATIENCE_S)
    assert states(found)["Active"] == "True"
    assert set(token_of(found)["scopes"]["granted"]) > {"read:org", "repo", "public_repo"}
    assert token_of(found)["expirationTime"] == "2096-10-02T07:06:40Z"
    assert vendors.inner.asked == {token: 1}
    vendors.do(lambda api: api.lives.clear())
    found = shop.wait("github", lambda it: ready(it) == ("False", "Inactive"), timeout_s=PATIENCE_S)
    assert "GitHub does not accept it" in condition(found, "Active")["message"]
    told = [ready(seen.object) for seen in shop.history("github")]
    assert [one for one in told if one[0] == "Unknown"][1:] == []


def test_what_gitlab_calls_revoked_is_revoked_and_told(
    shop: Shop, vendors: Vendors, trusts: Trusts
) -> None:
    token = TOKENS["GitLab"]
    vendors.do(lambda api: api.revoked.add(token))
    shop.secret("gitlab", token)
    checked(shop, trusts("GitLab"), "gitlab")
    found = shop.reads("gitlab", "False", "Revoked", timeout_s=PATIENCE_S)
    assert states(found)["Stalled"] == "True"
    assert "replace it by a new one" in condition(found, "Active")["message"]
    shop.wait_event("gitlab", "TokenInvalid", timeout_s=PATIENCE_S)
    vendors.do(lambda api: api.revoked.clear())
    lives(vendors, f"{token}-new", scopes=["api"], ends="2096-10-02")
    shop.secret("gitlab", f"{token}-new")
    found = shop.reads("gitlab", *GOOD, timeout_s=PATIENCE_S)
    assert token_of(found)["expirationTime"] == "2096-10-02T00:00:00Z"


def test_an_api_that_an_admin_describes_is_asked_and_read_as_described(
    shop: Shop, vendors: Vendors, trusts: Trusts
) -> None:
    token = TOKENS["HTTP"]
    lives(vendors, token, scopes="read write", ends="2096-10-02T07:06:40Z")
    shop.secret("http", token)
    checked(shop, trusts("HTTP"), "http", scopes={"required": ["read"], "allowed": ["write"]})
    found = shop.reads("http", *GOOD, timeout_s=PATIENCE_S)
    assert token_of(found)["scopes"]["granted"] == ["read", "write"]
    assert token_of(found)["expirationTime"] == "2096-10-02T07:06:40Z"
    vendors.do(lambda api: api.lives.clear())
    found = shop.wait("http", lambda it: ready(it) == ("False", "Inactive"), timeout_s=PATIENCE_S)
    assert "the API does not accept it" in condition(found, "Active")["message"]


def test_a_token_of_another_kind_is_never_sent_to_a_vendor(
    shop: Shop, vendors: Vendors, trusts: Trusts
) -> None:
    provider = trusts("GitHub")
    others = {name.lower(): token for name, token in TOKENS.items() if name != "GitHub"}
    others |= {"refresh": f"ghr_{'canaryRefresh0123456789abcdefghijklmn'[:36]}"}
    others |= {"opaque": "opaque-token-canary-2", "jwt": shop.signer.token()}
    for name, token in others.items():
        shop.secret(name, token)
        checked(shop, provider, name)
    for name in others:
        found = shop.wait(name, lambda it: ready(it)[0] == "Unknown" and ready(it)[1] != "Pending")
        assert findings(found) >= {("Active", "Unknown", "NotVerifiable")}
    assert vendors.inner.connections == 0


def test_of_texts_without_a_form_datadog_is_shown_those_of_as_many_digits_as_its_keys(
    shop: Shop, vendors: Vendors, trusts: Trusts
) -> None:
    provider, key = trusts("Datadog"), TOKENS["Datadog"]
    lives(vendors, key)
    for name, text in {"key": key, "application-key": f"{key}0badcafe", "other": "hunter2"}.items():
        shop.secret(name, text)
        checked(shop, provider, name)
    shop.reads("key", *GOOD, timeout_s=PATIENCE_S)
    for name in ("application-key", "other"):
        found = shop.wait(name, lambda it: ready(it)[0] == "Unknown" and ready(it)[1] != "Pending")
        assert findings(found) >= {("Active", "Unknown", "NotVerifiable")}
    vendors.do(lambda api: api.lives.clear())
    found = shop.wait("key", lambda it: ready(it) == ("False", "Inactive"), timeout_s=PATIENCE_S)
    assert "of another site" in condition(found, "Active")["message"]
    assert set(vendors.inner.asked) == {key}


def test_a_vendor_that_is_away_makes_its_tokens_unknown_and_never_bad(
    shop: Shop, vendors: Vendors, trusts: Trusts, admin: Api
) -> None:
    token, provider = TOKENS["Slack"], trusts("Slack")
    lives(vendors, token, scopes=["chat:write"])
    shop.secret("slack", token)
    checked(shop, provider, "slack")
    shop.reads("slack", *GOOD, timeout_s=PATIENCE_S)
    vendors.do(lambda api: setattr(api, "mode", "500"))
    found = shop.wait(
        "slack", lambda it: ready(it) == ("Unknown", "ProviderUnavailable"), timeout_s=180
    )
    assert "last known active at 20" in condition(found, "Active")["message"]
    standing = admin.wait(
        "TokenProvider", provider, until=lambda it: states(it).get("Reachable") == "False"
    )
    assert condition(standing, "Reachable")["message"].startswith("Slack: ")
    vendors.do(lambda api: setattr(api, "mode", "well"))
    shop.wait("slack", lambda it: ready(it) == GOOD, timeout_s=180)


def five_lines(shop: Shop, name: str, *secrets: str) -> None:
    """A TokenCheck that names a workload and no token."""
    variables = [env(one, name=one.upper())["env"][0] for one in secrets]
    shop.workload(name, pod_spec({"env": variables}))
    shop.check(name, workload=f"Deployment/{name}")


def test_five_lines_find_a_revoked_token_where_an_admin_has_its_vendor_asked(
    shop: Shop, vendors: Vendors, trusts: Trusts
) -> None:
    token, app = TOKENS["GitHub"], GITHUB_FORMS["of an installation"]
    lives(vendors, app)
    shop.secret("github", token)
    shop.secret("app", app)
    shop.secret("payments", shop.signer.token())
    five_lines(shop, "checkout", "github", "app", "payments")
    before = shop.wait("checkout", lambda it: ready(it)[0] == "True", timeout_s=PATIENCE_S)
    assert "Active" not in states(before)
    provider = trusts("GitHub")
    found = shop.wait(
        "checkout", lambda it: ready(it) == ("False", "Inactive"), timeout_s=PATIENCE_S
    )
    told = {one["name"]: one for one in found["status"]["tokens"]}
    assert told["github/token"]["provider"] == told["app/token"]["provider"] == provider
    assert vendors.inner.asked == {token: 1, app: 1}
    shop.admin.delete("TokenProvider", provider)
    shop.wait("checkout", lambda it: ready(it)[0] == "True", timeout_s=PATIENCE_S)


def test_a_token_that_is_found_is_shown_to_nobody_whom_the_namespace_may_not_use(
    shop: Shop, vendors: Vendors, trusts: Trusts, admin: Api
) -> None:
    provider = trusts("GitLab")
    elsewhere = {"allowedNamespaces": {"all": None, "selector": {"matchLabels": {"no": "yes"}}}}
    admin.patch("TokenProvider", provider, {"spec": elsewhere})
    shop.secret("gitlab", TOKENS["GitLab"])
    five_lines(shop, "checkout", "gitlab")
    shop.wait("checkout", lambda it: ready(it)[0] == "True", timeout_s=PATIENCE_S)
    shop.annotate("TokenCheck", "checkout", check_now="1")
    shop.wait("checkout", lambda it: it["status"].get("lastHandledCheckNow") == "1")
    assert vendors.inner.connections == 0


def test_many_checks_of_one_token_cost_one_question(
    shop: Shop, vendors: Vendors, trusts: Trusts
) -> None:
    token, provider = TOKENS["npm"], trusts("npm")
    lives(vendors, token)
    shop.secret("npm", token)
    names = [f"npm-{number}" for number in range(12)]
    for name in names:
        shop.check(name, listed("npm", providerRef={"name": provider}), interval="10m")
    eventually(
        lambda: all(ready(shop.admin.get("TokenCheck", n, shop.namespace)) == GOOD for n in names),
        timeout_s=PATIENCE_S,
    )
    assert vendors.inner.asked == {token: 1}
