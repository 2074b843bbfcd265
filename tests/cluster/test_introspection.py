"""A real operator asks a real RFC 7662 server whether tokens live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from cluster.shop import (
    Object,
    Shop,
    condition,
    eventually,
    findings,
    listed,
    ready,
    states,
    token_of,
)
from cluster.test_enforcement import BINDING, POLICY, page, without_rights
from controlplane import Api, ControlPlane, OperatorProcess
from controlplane.launch import grant_operator, install_ours, install_policies, wait_enforced
from introspector import CLIENT, Introspector
from loopthread import LoopThread
from tokencheck.model.admission import PROBE_NAME, REQUESTER_POLICY

Login: TypeAlias = LoopThread[Introspector]

GOOD = ("True", "AllChecksPassed")
TOKEN = "opaque-token-canary-1"
HOME = "tokencheck-system"


@pytest.fixture
def login() -> Iterator[Login]:
    with LoopThread(Introspector()) as running:
        yield running


def secret(name: str, namespace: str, **values: str) -> Object:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": values}


def known_as(name: str, client: tuple[str, str] = CLIENT) -> Object:
    """The Secret with the operator's own credentials."""
    return secret(name, HOME, client_id=client[0], client_secret=client[1])


@pytest.fixture
def provider(login: Login, admin: Api, namespace: str) -> Iterator[str]:
    admin.apply(known_as(f"client-{namespace}"))
    ref = {"name": f"client-{namespace}"}
    admin.apply(login.inner.provider(namespace, clientCredentialsRef=ref))
    yield namespace
    admin.delete("TokenProvider", namespace)
    admin.delete("Secret", f"client-{namespace}", HOME)


def lives(login: Login, token: str, **said: object) -> None:
    login.do(lambda server: server.tokens.__setitem__(token, said))


def checked(shop: Shop, provider: str, name: str = "checkout", **expected: object) -> None:
    token = listed("payments", providerRef={"name": provider}, **expected)
    shop.check(name, token, interval="30s")


def refused(shop: Shop, admin: Api, login: Login, provider: str) -> tuple[str, Object]:
    """A check whose provider does not take the operator's client, which stands in that Secret."""
    lives(login, TOKEN)
    name = f"client-{provider}"
    admin.apply(known_as(name, (CLIENT[0], "wrong")))
    shop.secret("payments", TOKEN)
    checked(shop, provider)
    return name, shop.reads("checkout", "Unknown", "IntrospectionUnauthorized")


@pytest.mark.usefixtures("operator")
def test_an_opaque_token_is_active_and_one_that_is_revoked_is_told_within_an_interval(
    shop: Shop, login: Login, provider: str
) -> None:
    lives(login, TOKEN, scope="pay:read", exp=4_000_000_000)
    shop.secret("payments", TOKEN)
    checked(shop, provider, scopes={"required": ["pay:read"]})
    found = shop.reads("checkout", *GOOD)
    assert states(found)["Active"] == "True"
    assert token_of(found)["scopes"] == {"granted": ["pay:read"]}
    assert token_of(found)["expirationTime"] == "2096-10-02T07:06:40Z"
    assert login.inner.asked == {TOKEN: 1}
    login.do(lambda server: server.tokens.clear())
    found = shop.wait("checkout", lambda it: ready(it) == ("False", "Inactive"), timeout_s=120)
    assert login.inner.asked == {TOKEN: 2}
    assert condition(found, "Active")["status"] == "False"
    told = [ready(seen.object) for seen in shop.history("checkout")]
    assert [one for one in told if one[0] == "Unknown"][1:] == []


@pytest.mark.usefixtures("operator")
def test_when_the_check_that_asks_is_gone_another_one_asks(
    shop: Shop, login: Login, provider: str
) -> None:
    lives(login, TOKEN)
    shop.secret("payments", TOKEN)
    for name in ("first", "second"):
        checked(shop, provider, name)
        shop.reads(name, *GOOD)
    assert login.inner.asked == {TOKEN: 1}
    shop.delete("TokenCheck", "first")
    login.do(lambda server: server.tokens.clear())
    shop.wait("second", lambda it: ready(it) == ("False", "Inactive"), timeout_s=120)


@pytest.mark.usefixtures("operator")
def test_a_server_that_is_away_makes_the_token_unknown_with_its_age_and_never_bad(
    shop: Shop, admin: Api, login: Login, provider: str
) -> None:
    lives(login, TOKEN)
    shop.secret("payments", TOKEN)
    checked(shop, provider)
    shop.reads("checkout", *GOOD)
    login.do(lambda server: server.stop())
    found = shop.wait("checkout", lambda it: ready(it)[0] != "True", timeout_s=180)
    assert ready(found) == ("Unknown", "Unreachable")
    assert findings(found) >= {("Active", "Unknown", "Unreachable")}
    assert "last known active at 20" in condition(found, "Active")["message"]
    standing = admin.wait(
        "TokenProvider", provider, until=lambda it: states(it).get("Reachable") == "False"
    )
    assert "introspection: " in condition(standing, "Reachable")["message"]
    assert standing["status"]["lastAnswerTime"] >= standing["metadata"]["creationTimestamp"]
    login.do(lambda server: server.start())
    shop.wait("checkout", lambda it: ready(it) == GOOD, timeout_s=180)
    assert {ready(seen.object)[0] for seen in shop.history("checkout")} <= {"True", "Unknown", ""}


@pytest.mark.usefixtures("operator")
def test_many_checks_of_one_token_cost_one_question(
    shop: Shop, login: Login, provider: str
) -> None:
    lives(login, TOKEN)
    shop.secret("payments", TOKEN)
    for number in range(20):
        shop.check(f"c{number}", listed("payments", providerRef={"name": provider}))
    for number in range(20):
        shop.reads(f"c{number}", *GOOD)
    assert login.inner.asked == {TOKEN: 1}


@pytest.mark.usefixtures("operator")
def test_a_new_token_is_asked_about_at_once_and_a_bad_one_is_shown_to_nobody(
    shop: Shop, login: Login, provider: str
) -> None:
    lives(login, TOKEN)
    shop.secret("payments", "ghp_" + "a" * 36)
    checked(shop, provider)
    shop.reads("checkout", "Unknown", "NotVerifiable")
    shop.secret("payments", "Bearer " + TOKEN)
    shop.wait("checkout", lambda it: ready(it) == ("False", "MalformedToken"))
    assert login.inner.connections == 0
    shop.secret("payments", TOKEN)
    shop.reads("checkout", *GOOD)
    assert login.inner.asked == {TOKEN: 1}


@pytest.mark.usefixtures("operator")
def test_a_wrong_client_is_the_provider_s_fault_and_mended_by_its_secret(
    shop: Shop, admin: Api, login: Login, provider: str
) -> None:
    name, found = refused(shop, admin, login, provider)
    assert "clientCredentialsRef" in condition(found, "Active")["message"]
    admin.apply(known_as(name))
    shop.wait("checkout", lambda it: ready(it) == GOOD, timeout_s=180)
    eventually(lambda: states(admin.get("TokenProvider", provider)).get("Reachable") == "True")


@pytest.mark.usefixtures("operator")
def test_a_client_that_is_mended_is_asked_as_soon_as_its_secret_is_written(
    shop: Shop, admin: Api, login: Login, provider: str
) -> None:
    """From the fourth refusal on the provider is left alone for a minute or two."""
    name, _ = refused(shop, admin, login, provider)
    for number in range(1, 4):
        admin.apply(known_as(name, (CLIENT[0], f"wrong-{number}")))
        eventually(lambda number=number: login.inner.asked[TOKEN] > number)
    found = admin.get("TokenCheck", "checkout", shop.namespace)
    assert ready(found) == ("Unknown", "IntrospectionUnauthorized")
    admin.apply(known_as(name))
    shop.wait("checkout", lambda it: ready(it) == GOOD, timeout_s=50)


def test_from_a_namespace_without_admission_no_token_is_sent(login: Login, tmp_path: Path) -> None:
    """Whoever writes TokenChecks there could have any Secret of it sent to the provider."""
    lives(login, TOKEN)
    with ControlPlane(parts=()) as plane, ExitStack() as ends:
        install_ours(plane)
        operator = OperatorProcess(
            grant_operator(plane), tmp_path / "log", plane=plane, args=["--prove-every", "0.5"]
        )
        api = plane.api()
        token = listed("payments", providerRef={"name": "login"})
        meta = {"name": "checkout", "namespace": "default"}
        check = {"apiVersion": "tokencheck.dev/v1alpha1", "kind": "TokenCheck", "metadata": meta}
        api.apply(known_as("introspect-client"))
        api.apply(login.inner.provider())
        api.apply(secret("payments", "default", token=TOKEN))
        api.apply(check | {"spec": {"tokens": [token]}})
        for number, word in enumerate(unproven(plane)):
            if number == 0:
                operator.start()
                ends.callback(operator.stop)
            eventually(lambda word=word: page(operator)["namespaces"] == {"default": word})
            now = {"metadata": {"annotations": {"tokencheck.dev/check-now": str(number)}}}
            api.patch("TokenCheck", "checkout", now, "default")
            said = f"no token is sent from namespace default: admission {SAID[word]}"
            found = api.wait(
                "TokenCheck",
                "checkout",
                "default",
                until=lambda it, said=said: said in condition(it, "Active").get("message", ""),
                timeout_s=120,
            )
            assert "run `tokencheck doctor`" in condition(found, "Active")["message"]
            assert ready(found) == ("Unknown", "NotAsked")
            assert login.inner.connections == 0
        good = {"until": lambda it: ready(it) == GOOD, "timeout_s": 120}
        api.wait("TokenCheck", "checkout", "default", **good)
        assert login.inner.asked == {TOKEN: 1}


SAID = {
    "Admitted": "is not enforced there (Admitted)",
    "Altered": "is not as this version ships it (Altered)",
    "Unknown": "could not be tried there (Unknown)",
}


def unproven(plane: ControlPlane) -> Iterator[str]:
    """One way after the other in which it is not proven, with its word; then it is."""
    api = plane.api()
    deny: Object = {"spec": {"validationActions": ["Deny"]}}
    api.patch(BINDING, REQUESTER_POLICY, {"spec": {"validationActions": ["Audit"]}})
    yield "Admitted"
    api.patch(POLICY, REQUESTER_POLICY, {"spec": {"failurePolicy": "Ignore"}})
    api.patch(BINDING, REQUESTER_POLICY, deny)
    yield "Altered"
    api.delete(POLICY, REQUESTER_POLICY)
    yield "Admitted"
    with without_rights(api, lambda rule: PROBE_NAME in rule.get("resourceNames", ())):
        install_policies(plane, {"admission": {"statusWriters": ["admin"]}})
        yield "Unknown"
        left_out = {"matchExpressions": [{"key": "free", "operator": "DoesNotExist"}]}
        api.patch("Namespace", "default", {"metadata": {"labels": {"free": "yes"}}})
        deny["spec"]["matchResources"] = {"namespaceSelector": left_out}
        api.patch(BINDING, REQUESTER_POLICY, deny)
        wait_enforced(plane, yes=False)
    yield "Admitted"
    api.patch("Namespace", "default", {"metadata": {"labels": {"free": None}}})
