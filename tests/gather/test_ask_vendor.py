"""What a vendor is asked about a token, over a real connection, and what each answer means."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpcore
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gather.test_ask_token import credentials
from tokencheck.api.described import parse_described
from tokencheck.api.fields import Fields
from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.api.urls import Url
from tokencheck.api.vendor import Vendor, VendorType
from tokencheck.clients.egress import answer
from tokencheck.clients.egress.client import Egress
from tokencheck.core.hosts.dialled import dialled
from tokencheck.core.questions.replies import Faulted
from tokencheck.core.questions.vendors.table import VENDORS
from tokencheck.core.tokens.recognise import kind_of
from tokencheck.gather.ask_vendor import ask_vendor, interpret
from tokencheck.model.activity import Answer
from tokencheck.model.asking import NoReply, Reply
from tokencheck.model.evidence import Absent, Denied, Failed, SecretContent, Unread
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed
from vendorapi import DESCRIBED, GITHUB_FORMS, OWN_TOKEN, TOKENS, VendorApi

TABLE = yaml.safe_load((Path(__file__).parents[1] / "core/questions/vendors.yaml").read_text())
# Those that are shown a token alone; the API server and registries are asked elsewhere.
ELSEWHERE = (VendorType.KUBERNETES, VendorType.REGISTRY)
ASKED = [one for one in VendorType if one not in ELSEWHERE]
ROWS = [(vendor, row) for vendor, rows in TABLE.items() for row in rows]


def vendor(name: str) -> Vendor:
    described = parse_described(Fields("spec", DESCRIBED)) if name == "HTTP" else None
    server = Url(host="api.example.com")
    return Vendor(type=VendorType(name), server=server, described=described)


def described(**more: Any) -> dict[str, Any]:
    return {"type": "HTTP", "url": "https://api.example.com", "http": DESCRIBED | more}


def vault(**more: Any) -> dict[str, Any]:
    url = "https://vault.example.com/v1"
    return {"type": "Vault", "url": url, "credentialsRef": {"name": "vault-lookup"}} | more


def reply_of(row: dict[str, Any]) -> Reply:
    body = row["body"] if "body" in row else json.dumps(row["says"])
    kind = "text/html" if body.startswith("<html>") else "application/json"
    return Reply(
        status=row.get("status", 200),
        media_type=kind,
        body=body.encode(),
        headers={name: str(value) for name, value in row.get("headers", {}).items()},
    )


def word(meaning: Answer | Faulted) -> str:
    if isinstance(meaning, Faulted):
        return str(meaning.reason)
    if meaning.active:
        return "active"
    return "revoked" if meaning.revoked else "stranger" if meaning.stranger else "inactive"


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[f"{n}: {row['it']}" for n, row in ROWS])
def test_an_answer_means_what_the_table_says(name: str, row: dict[str, Any]) -> None:
    meaning = interpret(vendor(name), reply_of(row))
    assert word(meaning) == row["means"]
    if isinstance(meaning, Faulted):
        assert meaning.of_token == row.get("alone", False)
        assert row.get("tells", "") in meaning.detail
        return
    assert meaning.claims.expires_at == row.get("ends")
    assert meaning.claims.endless is row.get("endless", False)
    assert meaning.claims.issued_at == row.get("began")
    assert meaning.claims.renewed_at == row.get("renewed")
    assert meaning.until == (row.get("ends") if row.get("renewable") else None)
    scopes = row.get("scopes")
    assert meaning.claims.scopes == (None if scopes is None else tuple(scopes))


def test_every_vendor_has_rules_and_rows() -> None:
    assert set(VENDORS) == set(ASKED) - {VendorType.HTTP}
    assert set(TABLE) == {str(one) for one in ASKED}
    for name, rows in TABLE.items():
        means = {row["means"] for row in rows}
        assert "active" in means, name
        assert means & {"inactive", "stranger"}, name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    name=st.sampled_from(ASKED),
    status=st.sampled_from([200, 204, 400, 401, 403, 404, 429, 500, 503]),
    said=st.dictionaries(
        st.sampled_from(["login", "message", "active", "revoked", "scopes", "expires_at", "ok",
                         "error", "error_description", "username", "success", "result", "errors",
                         "id", "auth", "object", "detail", "user", "data",
                         "token", "valid", "messageId"]),
        JSON,
    ),
    headers=st.dictionaries(
        st.sampled_from(["x-oauth-scopes", "github-authentication-token-expiration", "date"]),
        st.text(max_size=40),
    ),
)  # fmt: skip
def test_interpreting_is_total_and_no_server_s_fault_judges_a_token(
    name: VendorType, status: int, said: dict[str, Any], headers: dict[str, str]
) -> None:
    body = json.dumps(said).encode()
    reply = Reply(status=status, media_type="application/json", body=body, headers=headers)
    meaning = interpret(vendor(name), reply)
    if status not in (200, 400, 401, 403):
        assert isinstance(meaning, Faulted)


@pytest.mark.parametrize("reason", [Reason.UNREACHABLE, Reason.TIMED_OUT, Reason.TLS_FAILED])
@pytest.mark.parametrize("name", ASKED)
def test_no_answer_keeps_its_reason(name: VendorType, reason: Reason) -> None:
    meaning = interpret(vendor(name), NoReply(reason=reason, detail="no"))
    assert isinstance(meaning, Faulted)
    assert meaning.reason is reason


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ([(b"X-OAuth-Scopes", b"repo, user")], {"x-oauth-scopes": "repo, user"}),
        ([(b"x-oauth-scopes", b"")], {"x-oauth-scopes": ""}),
        ([(b"X-OAuth-Scopes", b"repo"), (b"x-oauth-scopes", b"user")], {}),
        ([(b"X-OAuth-Scopes", b"re\xc3\xa9po")], {}),
        ([(b"X-OAuth-Scopes", b"a" * 5000)], {}),
        ([(b"X-Other", b"repo")], {}),
    ],
)
async def test_of_the_headers_of_an_answer_only_wanted_and_plain_ones_are_read(
    sent: list[tuple[bytes, bytes]], read: dict[str, str]
) -> None:
    response = httpcore.Response(200, headers=sent)
    found = await answer.reply_of(response, 1024, ("x-oauth-scopes", "date"))
    assert found.headers == read


def provider_of(api: VendorApi, name: str) -> TokenProvider:
    found = parse_tokenprovider(api.provider(name))
    assert not found.invalid
    return found


@pytest.mark.parametrize("name", ASKED)
def test_a_vendor_is_shown_tokens_of_the_kind_that_its_own_are_recognised_as(
    name: VendorType,
) -> None:
    assert (kind_of(TOKENS[name].encode())[0],) == vendor(name).kinds


def known_by(own: str = OWN_TOKEN, key: str = "token") -> SecretContent:
    """The Secret with the operator's own token at Vault."""
    return replace(credentials(), values=MappingProxyType({key: Sealed(own.encode())}))


async def asked(
    api: VendorApi, name: str, token: str, content: SecretContent | Unread | None = None
) -> Answer | Faulted:
    found = provider_of(api, name)
    assert found.vendor is not None
    if name == VendorType.VAULT and content is None:
        content = known_by()
    return await ask_vendor(found, found.vendor, Sealed(token.encode()), Egress(), content)


@pytest.mark.parametrize("name", ASKED)
async def test_the_token_stands_in_one_place_and_nowhere_else(name: VendorType) -> None:
    token = TOKENS[name]
    async with VendorApi() as api:
        assert word(await asked(api, name, token)) in ("inactive", "stranger")
        api.lives[token] = {}
        assert word(await asked(api, name, token)) == "active"
        assert api.said.count(token.encode()) == 2
        head, _, body = api.said.partition(b"\r\n\r\n")
        assert (token.encode() in head) is head.startswith(b"GET /")
        assert body.startswith(b'{"token": ') is head.startswith(b"POST /")


@pytest.mark.parametrize("form", GITHUB_FORMS)
async def test_each_form_of_a_github_token_is_shown_whole_and_believed(form: str) -> None:
    token = GITHUB_FORMS[form]
    assert kind_of(token.encode())[0] == VendorType.GITHUB
    async with VendorApi() as api:
        assert word(await asked(api, "GitHub", token)) == "inactive"
        api.lives[token] = {"ends": "2096-10-02 07:06:40 UTC"}
        meaning = await asked(api, "GitHub", token)
        assert isinstance(meaning, Answer)
        assert meaning.active
        assert meaning.claims.expires_at is not None
        assert api.said.count(f"Authorization: Bearer {token}\r\n".encode()) == 2


async def test_vault_is_shown_a_token_by_the_operator_s_own_in_json() -> None:
    token = TOKENS["Vault"]
    async with VendorApi() as api:
        await asked(api, "Vault", token)
        head, _, body = api.said.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] == "POST /v1/auth/token/lookup HTTP/1.1"
        assert f"X-Vault-Token: {OWN_TOKEN}" in lines
        assert "Content-Type: application/json" in lines
        assert json.loads(body) == {"token": token}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (known_by(own="hvs.another0123456789abcdefgh"), Reason.INTROSPECTION_UNAUTHORIZED),
        (known_by(key="client_secret"), Reason.SECRET_KEY_NOT_FOUND),
        (known_by(own=" \n"), Reason.SECRET_KEY_NOT_FOUND),
        (known_by(own="a\r\nHost: b"), Reason.MALFORMED_TOKEN),
        (Absent(what="the Secret"), Reason.SECRET_NOT_FOUND),
        (Denied(what="the Secret"), Reason.ACCESS_DENIED),
        (Failed(what="the Secret"), Reason.READ_FAILED),
    ],
)
async def test_without_the_operator_s_own_token_nothing_is_known(
    content: SecretContent | Unread, reason: Reason
) -> None:
    async with VendorApi() as api:
        api.lives[TOKENS["Vault"]] = {}
        meaning = await asked(api, "Vault", TOKENS["Vault"], content)
        assert isinstance(meaning, Faulted)
        assert meaning.reason is reason
        if reason in (Reason.SECRET_NOT_FOUND, Reason.ACCESS_DENIED, Reason.SECRET_KEY_NOT_FOUND):
            assert "vendor.credentialsRef" in meaning.detail
        assert (TOKENS["Vault"].encode() in api.said) is (
            reason is Reason.INTROSPECTION_UNAUTHORIZED
        )


async def test_bytes_that_are_no_text_are_not_posted() -> None:
    async with VendorApi() as api:
        found = provider_of(api, "Vault")
        assert found.vendor is not None
        meaning = await ask_vendor(found, found.vendor, Sealed(b"\xff"), Egress(), known_by())
        assert isinstance(meaning, Faulted)
        assert meaning.reason is Reason.MALFORMED_TOKEN
        assert api.said == b""


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ({"type": "GitHub", "url": "http://ghe.example.com/api/v3"}, "https"),
        ({"type": "GitHub", "url": "https://ghe.example.com/api/v3?a=b"}, "no query"),
        ({"type": "Bitbucket"}, "must be one of Cloudflare, CloudflareAccount, Datadog, GitHub"),
        (
            {"type": "CloudflareAccount"},
            "is needed: CloudflareAccount has no address that is the same for all",
        ),
        ({"type": "Datadog"}, "is needed: Datadog has no address that is the same for all"),
        ({"type": "Grafana"}, "is needed: Grafana has no address that is the same for all"),
        ({"type": "Grafana", "url": "https://g.example.com"}, "must end with ?targetOrgId=1"),
        (
            {"type": "Grafana", "url": "https://g.example.com/?targetOrgId=1&kiosk=1"},
            "must end with ?targetOrgId=1",
        ),
        ({"type": "Kubernetes", "url": "https://k.example.com"}, "is none of Kubernetes"),
        ({}, "spec.vendor.type"),
        ({"type": "HTTP", "url": "https://api.example.com"}, "is for type: HTTP, and needed there"),
        ({"type": "GitHub", "http": DESCRIBED}, "is for type: HTTP, and needed there"),
        (
            {"type": "GitHub", "credentialsRef": {"name": "a"}},
            "is for type: Vault, and needed there",
        ),
        (
            {"type": "Vault", "url": "https://vault.example.com/v1"},
            "spec.vendor.credentialsRef: is for type: Vault, and needed there",
        ),
        (vault(credentialsRef={}), "spec.vendor.credentialsRef.name"),
        (vault(url=None), "is needed: Vault has no address that is the same for all"),
        (vault(url="https://vault.example.com"), "must end with /v1, where Vault's API is"),
        (vault(url="https://vault.example.com/v1a"), "must end with /v1, where Vault's API is"),
        (described(header="Host"), "must be a header of its own"),
        (described(active={"status": [429], "field": "id"}), "from 200 to 499 without 429"),
        (described(active={"status": [], "field": "id"}), "from 200 to 499 without 429"),
        (described(active={"status": [200]}), "spec.vendor.http.active.field"),
        (described(scopesField="a..b"), "must be a path such as token.expires_at"),
        (
            described(inactive={"status": [401], "field": "error"}),
            "spec.vendor.http.inactive.equals",
        ),
    ],
)
def test_a_vendor_that_cannot_be_asked_is_a_fault_of_the_spec(
    spec: dict[str, Any], fault: str
) -> None:
    found = parse_tokenprovider({"spec": {"allowedNamespaces": {"all": True}, "vendor": spec}})
    assert any(fault in str(one) for one in found.invalid)


def test_the_api_server_has_no_address_and_matches_tokens_of_service_accounts() -> None:
    spec = {"allowedNamespaces": {"all": True}, "vendor": {"type": "Kubernetes"}}
    found = parse_tokenprovider({"spec": spec | {"match": {"kinds": ["Kubernetes"]}}})
    assert not found.invalid
    assert found.vendor is not None
    assert (found.vendor.server, found.vendor.places) == (None, frozenset())
    assert found.match == ("ServiceAccountToken", "LegacyServiceAccountToken")
    assert dialled(found) is None
    assert set(found.match) < set(found.vendor.kinds)


def test_an_installation_of_one_s_own_is_asked_below_its_address() -> None:
    spec = {"type": "GitHub", "url": "https://ghe.example.com:8443/api/v3/"}
    found = parse_tokenprovider({"spec": {"allowedNamespaces": {"all": True}, "vendor": spec}})
    assert found.vendor is not None
    assert str(found.vendor.at("/user")) == "https://ghe.example.com:8443/api/v3/user"
    assert found.vendor.places == {"ghe.example.com:8443"}


@pytest.mark.parametrize("path", ["", "/", "/grafana", "/grafana/"])
def test_grafana_is_asked_in_the_organisation_that_the_address_names(path: str) -> None:
    spec = {"type": "Grafana", "url": f"https://g.example.com{path}?targetOrgId=2"}
    found = parse_tokenprovider({"spec": {"allowedNamespaces": {"all": True}, "vendor": spec}})
    assert found.vendor is not None
    asked_at = str(found.vendor.at("/api/user"))
    assert asked_at == f"https://g.example.com{path.rstrip('/')}/api/user?targetOrgId=2"


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/admin/team"])
def test_vault_is_asked_below_its_api_or_a_namespace_of_it(path: str) -> None:
    spec = vault(url=f"https://vault.example.com:8200{path}")
    found = parse_tokenprovider({"spec": {"allowedNamespaces": {"all": True}, "vendor": spec}})
    assert found.vendor is not None
    assert found.credentials == "vault-lookup"
    asked_at = str(found.vendor.at("/auth/token/lookup"))
    below = path.rstrip("/")
    assert asked_at == f"https://vault.example.com:8200{below}/auth/token/lookup"
