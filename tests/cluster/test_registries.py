"""A real operator asks registries, and their token servers, whether pull Secrets let one in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from cluster.shop import Shop, condition, findings, listed, pod_spec, ready, states, token_of
from controlplane import Api
from distribution import Distribution, running
from htpasswdserver import ROTATED
from loopthread import LoopThread
from registryapi import HOST, PASSWORD, SCOPE, USER, RegistryApi, entry

Registry: TypeAlias = LoopThread[RegistryApi]
Trusts: TypeAlias = Callable[..., str]

KEY = ".dockerconfigjson"
PATIENCE_S = 120.0

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def registry() -> Iterator[Registry]:
    with LoopThread(RegistryApi()) as running:
        yield running


@pytest.fixture
def trusts(registry: Registry, admin: Api, namespace: str) -> Iterator[Trusts]:
    """Makes the TokenProvider of this namespace's registry and returns its name."""

    def trusted(**spec: Any) -> str:
        admin.apply(registry.inner.provider(namespace, **spec))
        return namespace

    yield trusted
    admin.delete("TokenProvider", namespace)


@pytest.fixture(scope="module")
def distribution() -> Iterator[Distribution]:
    with running() as started:
        yield started


def may(registry: Registry, password: str, *actions: str) -> None:
    def changed(api: RegistryApi) -> None:
        api.users[USER], api.grants[USER] = password, list(actions)

    registry.do(changed)


def pulls(shop: Shop, name: str, host: str = HOST, password: str = PASSWORD) -> None:
    """A pull Secret, and a workload that uses it."""
    document = json.dumps(entry(password, host=host))
    shop.secret(name, type="kubernetes.io/dockerconfigjson", data={KEY: document})
    shop.workload(name, pod_spec(imagePullSecrets=[{"name": name}]))


def login(name: str, provider: str, host: str = HOST, **expected: Any) -> dict[str, Any]:
    field = f'auths["{host}"].auth'
    return listed(name, KEY, field=field, providerRef={"name": provider}, **expected)


def test_five_lines_find_a_pull_secret_that_lets_nobody_in_any_more(
    shop: Shop, registry: Registry, trusts: Trusts
) -> None:
    provider = trusts(match={"kinds": ["Registry"]})
    may(registry, PASSWORD)
    pulls(shop, "pull")
    pulls(shop, "other", host="other.example.com")
    shop.check("other", workload="Deployment/other")
    shop.check("pull", workload="Deployment/pull", interval="30s")
    found = shop.wait("pull", lambda it: states(it).get("Active") == "True", timeout_s=PATIENCE_S)
    told = token_of(found, f'pull/{KEY}:auths["{HOST}"].auth')
    assert told["provider"] == provider
    may(registry, "another")
    found = shop.wait("pull", lambda it: ready(it) == ("False", "Inactive"), timeout_s=PATIENCE_S)
    assert f"the registry {HOST} does not accept it" in condition(found, "Active")["message"]
    assert USER not in json.dumps([one.object for one in shop.history("pull")])
    assert not [one for one in registry.inner.minted if one in json.dumps(found)]
    # The login of another registry was shown to nobody, and nothing is missed of it.
    other = shop.wait("other", lambda it: ready(it)[0] == "True", timeout_s=PATIENCE_S)
    assert "Active" not in states(other)
    assert {name for name, _ in registry.inner.asked} == {"", USER}
    assert b"other.example.com" not in registry.inner.said


def test_what_the_registry_grants_are_the_scopes_of_a_login(
    shop: Shop, registry: Registry, trusts: Trusts
) -> None:
    provider = trusts(scope=SCOPE)
    may(registry, PASSWORD, "pull", "push")
    pulls(shop, "pull")
    shop.check("pull", login("pull", provider, scopes={"required": ["pull"]}), interval="30s")
    found = shop.reads("pull", "True", "PassedWithWarnings", timeout_s=PATIENCE_S)
    assert token_of(found)["scopes"]["excess"] == ["push"]
    may(registry, PASSWORD)
    found = shop.reads("pull", "False", "ScopeMissing", timeout_s=PATIENCE_S)
    assert states(found)["Active"] == "True"


def test_a_login_of_another_registry_is_not_shown_to_this_one(
    shop: Shop, registry: Registry, trusts: Trusts
) -> None:
    provider = trusts()
    pulls(shop, "pull", host="other.example.com")
    shop.check("pull", login("pull", provider, host="other.example.com"))
    found = shop.wait("pull", lambda it: ready(it) == ("Unknown", "NotVerifiable"))
    assert findings(found) >= {("Active", "Unknown", "NotVerifiable")}
    assert f'auths["{HOST}"].auth' in condition(found, "Active")["message"]
    assert registry.inner.connections == 0


def test_a_registry_that_says_the_same_to_nobody_makes_no_login_dead(
    shop: Shop, registry: Registry, trusts: Trusts
) -> None:
    registry.do(lambda api: setattr(api, "style", "Harbor"))
    provider = trusts(scope=SCOPE)
    may(registry, PASSWORD, "pull")
    pulls(shop, "pull")
    shop.check("pull", login("pull", provider, scopes={"required": ["pull"]}), interval="30s")
    shop.reads("pull", "True", "AllChecksPassed", timeout_s=PATIENCE_S)
    may(registry, "another")
    found = shop.reads("pull", "Unknown", "UnexpectedAnswer", timeout_s=180)
    said = condition(found, "Active")["message"]
    assert "last known active at 20" in said
    assert "says the same to nobody" in said


def test_a_registry_without_a_token_server_says_which_logins_it_takes(
    shop: Shop, distribution: Distribution, admin: Api, namespace: str
) -> None:
    """On a real registry: a good login, a wrong one, and both when its password is another."""
    host = distribution.place
    distribution.users(USER)
    admin.apply(distribution.provider(namespace, match={"kinds": ["Registry"]}))
    try:
        pulls(shop, "pull", host)
        pulls(shop, "wrong", host, ROTATED)
        for name in ("pull", "wrong"):
            shop.check(name, workload=f"Deployment/{name}", interval="30s")
        shop.wait("pull", lambda it: states(it).get("Active") == "True", timeout_s=PATIENCE_S)
        found = shop.reads("wrong", "False", "Inactive", timeout_s=PATIENCE_S)
        assert f"the registry {host} does not accept it" in condition(found, "Active")["message"]
        # What was wrong is right now; nobody told the other Secret.
        distribution.users(USER, password=ROTATED)
        shop.reads("pull", "False", "Inactive", timeout_s=PATIENCE_S)
        pulls(shop, "pull", host, ROTATED)
        shop.wait("pull", lambda it: states(it).get("Active") == "True", timeout_s=PATIENCE_S)
    finally:
        admin.delete("TokenProvider", namespace)
