"""Whatever a server answers, no token is called good or bad by it, and nothing of it is shown.

The operator here reads the Secrets of one namespace, logs at DEBUG, and is watched for its own
credentials too.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import TypeAlias

import pytest

from canary import Secret, Sweep
from cluster.ending import end
from cluster.shop import Object, condition, eventually, listed, ready
from cluster.test_introspection import known_as, secret
from controlplane import Api, ControlPlane, OperatorProcess
from controlplane.launch import grant_operator
from controlplane.process import free_ports
from introspector import CLIENT, Introspector
from loopthread import LoopThread
from tlsserver import TlsServer
from vendorapi import VendorApi

Login: TypeAlias = LoopThread[Introspector]

SPACE = "default"
PATIENCE_S = 120.0
FAULTS = {
    "500": "ProviderUnavailable",
    "429": "RateLimited",
    "html": "UnexpectedAnswer",
    "redirect": "RedirectRefused",
    "denied": "IntrospectionUnauthorized",
    "echo": "ProviderUnavailable",
    "raw": "UnexpectedAnswer",  # active is named twice
    "silent": "TimedOut",
}
# Of servers to which no question comes: what is said, and what it tells to look at.
UNHEARD = {
    "stranger": ("TLSFailed", "tls.caBundle"),
    "no-name": ("DNSFailed", "cannot be resolved"),
    "closed-port": ("Unreachable", "does not accept connections"),
}
NARROW = {"secrets": {"scope": "namespaces", "namespaces": [SPACE]}}


@pytest.fixture(scope="module")
def login() -> Iterator[Login]:
    with LoopThread(Introspector()) as running:
        running.inner.raw = b'{"active": true, "active": false}'
        yield running


@pytest.fixture(scope="module")
def plane(own_controlplane: ControlPlane) -> ControlPlane:
    grant_operator(own_controlplane, NARROW)
    own_controlplane.api().apply(known_as("introspect-client"))
    return own_controlplane


@pytest.fixture(scope="module")
def operator(
    plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    args = ["--prove-every", "0.5", "--log-level", "DEBUG"]
    args += ["--secrets-scope", "namespaces", "--namespaces", SPACE]
    # Where no DNS server answers, a name is given up before the question is.
    env = {"RES_OPTIONS": "timeout:1 attempts:1"}
    process = OperatorProcess(grant_operator(plane, NARROW), log, plane=plane, args=args, env=env)
    try:
        yield process.start()
    finally:
        end(process)


def checked(
    api: Api, login: Login, name: str, token: str, client: str = "introspect-client"
) -> None:
    """A provider that answers in this mode, and a check of a token that names it."""
    asked = {"url": f"{login.inner.url}?as={name}", "clientCredentialsRef": {"name": client}}
    api.apply(login.inner.provider(name, **asked))
    named(api, name, token)


def named(api: Api, name: str, token: str) -> None:
    """A check of a token that names the provider of the same name."""
    api.apply(secret(name, SPACE, token=token))
    spec = {"tokens": [listed(name, providerRef={"name": name})]}
    meta = {"name": name, "namespace": SPACE}
    kind = {"apiVersion": "tokencheck.dev/v1alpha1", "kind": "TokenCheck"}
    api.apply(kind | {"metadata": meta, "spec": spec})


def comes_to(api: Api, name: str, *said: str) -> Object:
    return api.wait(
        "TokenCheck", name, SPACE, until=lambda it: ready(it) == said, timeout_s=PATIENCE_S
    )


def test_the_operator_reads_its_own_credentials_only_where_they_are_granted(
    plane: ControlPlane, login: Login, operator: OperatorProcess
) -> None:
    api = plane.api()
    login.do(lambda server: server.tokens.__setitem__("t-well", {}))
    checked(api, login, "well", "t-well")
    found = comes_to(api, "well", "Unknown", "AccessDenied")
    assert "providers.credentials" in condition(found, "Active")["message"]
    assert login.inner.connections == 0
    grant_operator(plane, NARROW | {"providers": {"credentials": ["introspect-client"]}})
    comes_to(api, "well", "True", "AllChecksPassed")
    assert operator.log_text()


def test_each_fault_is_unknown_with_its_reason_and_nothing_of_token_or_client_is_shown(
    plane: ControlPlane, login: Login, operator: OperatorProcess
) -> None:
    api = plane.api()
    grant_operator(plane, NARROW | {"providers": {"credentials": ["introspect-client"]}})
    tokens = {mode: secrets.token_urlsafe(40) for mode in FAULTS}
    for mode, token in tokens.items():
        checked(api, login, mode, token)
    shown = {}
    for mode, reason in FAULTS.items():
        found = comes_to(api, mode, "Unknown", reason)
        assert "whether it is active is not known" in condition(found, "Active")["message"]
        shown[mode] = json.dumps(found["status"])
    assert set(login.inner.asked) >= set(tokens.values()) - {tokens["silent"]}
    assert all(token.encode() in login.inner.said for token in tokens.values())
    for kind, place in (("TokenProvider", None), ("events.k8s.io/v1/Event", SPACE)):
        shown[kind] = json.dumps([one for one in api.list(kind, place)])
    shown |= {"log": operator.log_text(), "metrics": operator.get("/metrics")[1]}
    kept = [Secret(mode, token) for mode, token in tokens.items()]
    sweep = Sweep([*kept, Secret("client", CLIENT[1])])
    assert sweep.report(shown) == []
    assert sweep.report({"control": tokens["echo"]}) != []


def misled(provider: Object, why: str, server: TlsServer, other: TlsServer) -> Object:
    """The provider that does not get to its server."""
    spec, place = provider["spec"], server.place
    asked = spec.get("introspection") or spec["vendor"]
    if why == "stranger":
        spec["tls"] = {"caBundle": other.authority.pem}
    elif why == "no-name":
        asked["url"] = asked["url"].replace(place, "login.invalid")
    else:
        asked["url"] = asked["url"].replace(place, f"127.0.0.1:{free_ports(1)[0]}")
    return provider


def test_a_server_that_cannot_be_asked_is_unknown_with_the_reason_of_that_and_hears_no_token(
    plane: ControlPlane, login: Login, operator: OperatorProcess
) -> None:
    api = plane.api()
    grant_operator(plane, NARROW | {"providers": {"credentials": ["introspect-client"]}})
    connections = login.inner.connections
    tokens: dict[str, str] = {}
    with LoopThread(VendorApi()) as vendors:
        one, other = login.inner, vendors.inner
        for why in UNHEARD:
            ours, theirs = f"login-{why}", f"vendor-{why}"
            tokens |= {ours: secrets.token_urlsafe(40), theirs: f"ghp_{secrets.token_hex(18)}"}
            api.apply(misled(one.provider(ours), why, one, other))
            api.apply(misled(other.provider("GitHub", theirs), why, other, one))
            named(api, ours, tokens[ours])
            named(api, theirs, tokens[theirs])
        for name in tokens:
            reason, hint = UNHEARD[name.partition("-")[2]]
            found = comes_to(api, name, "Unknown", reason)
            assert hint in condition(found, "Active")["message"]
            api.wait(
                "TokenProvider",
                name,
                until=lambda it, reason=reason: why_unreached(it) == ("False", reason),
                timeout_s=PATIENCE_S,
            )
        assert other.connections == 0
    assert one.connections == connections
    sweep = Sweep([Secret(name, token) for name, token in tokens.items()])
    assert sweep.report({"log": operator.log_text()}) == []


def why_unreached(provider: Object) -> tuple[str, str]:
    found = condition(provider, "Reachable")
    return found["status"], found["reason"]


def test_credentials_that_the_operator_may_only_get_are_seen_to_be_mended_within_a_beat(
    plane: ControlPlane, login: Login, operator: OperatorProcess
) -> None:
    """After the fourth refusal the provider is left alone for a minute at least."""
    api = plane.api()
    client, token = "mended-client", secrets.token_urlsafe(40)
    grant_operator(plane, NARROW | {"providers": {"credentials": ["introspect-client", client]}})
    login.do(lambda server: server.tokens.__setitem__(token, {}))
    api.apply(known_as(client, (CLIENT[0], "wrong")))
    checked(api, login, "mended", token, client)
    comes_to(api, "mended", "Unknown", "IntrospectionUnauthorized")
    eventually(lambda: login.inner.asked[token] >= 4, timeout_s=3 * PATIENCE_S)
    api.apply(known_as(client))
    good = ("True", "AllChecksPassed")
    api.wait("TokenCheck", "mended", SPACE, until=lambda it: ready(it) == good, timeout_s=50)
    status, page = operator.get("/metrics")
    assert status == 200
    assert 'tokencheck_informer_denied{resource="secrets"} 1' not in page
