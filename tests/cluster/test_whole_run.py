"""The sweep over the whole run sees what it looks for; the end of each run tells what it found."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.cli import SAID
from cluster.wholerun import NOBODYS, WholeRun, beside_review
from controlplane import ControlPlane
from introspector import Introspector
from issuer import Issuer
from registryapi import RegistryApi, token_of
from tlsserver import Asked, TlsServer
from vendorapi import OWN_TOKEN, TOKENS, VendorApi


def held(value: str) -> dict[str, object]:
    meta = {"namespace": "shop", "name": "api"}
    return {"metadata": meta, "data": {"token": base64.b64encode(value.encode()).decode()}}


@pytest.mark.parametrize("place", ["log", "shown.log", "commands", "servers"])
def test_a_planted_leak_is_found_wherever_it_stands(tmp_path: Path, place: str) -> None:
    run, token = WholeRun(tmp_path), secrets.token_urlsafe(30)
    run.take(held(token))
    leak = f"refused: {token[10:22]} (try again)"
    match place:
        case "commands":
            SAID.append(leak)
        case "servers":
            TlsServer.heard.append(leak.encode())
        case _:
            (tmp_path / f"operator.{place}").write_text(leak)
    run.search("test_some")
    assert run.swept["found"], place
    assert "shop/api#token" in run.swept["found"][0]
    assert token[10:22] not in "".join(run.swept["found"])


def test_a_leak_on_a_control_plane_that_a_test_starts_for_itself_is_found_when_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, token = WholeRun(tmp_path), secrets.token_urlsafe(30)
    monkeypatch.setattr(ControlPlane, "followers", [run.follow])
    leak, meta = f"refused: {token[10:22]} (try again)", {"name": "api", "namespace": "default"}
    with ControlPlane(parts=()) as plane:
        api = plane.api()
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta}
        api.create(secret | {"data": held(token)["data"]})
        noted = meta | {"name": "note", "annotations": {"example.com/note": leak}}
        api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": noted})
        with plane.at.audit_log.open("a") as audit:
            audit.write(f'{{"requestObject":"{leak}"}}\n')
        (plane.folder / "kube-proxy.log").write_text(leak)
    run.search("test_some")
    places = {hit.split(": ")[1].rpartition("/")[2] for hit in run.swept["found"]}
    assert places == {"note", "audit.log", "kube-proxy.log"}, run.swept["found"]


def asked(line: str, body: str = "", **headers: str) -> Asked:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Asked(line=f"{line} HTTP/1.1", headers=named, body=body.encode())


def looked_up(token: str, own: str) -> Asked:
    return asked("POST /v1/auth/token/lookup", json.dumps({"token": token}), x_vault_token=own)


GITHUB, SLACK, VAULT = TOKENS["GitHub"], TOKENS["Slack"], TOKENS["Vault"]
INTROSPECT, CREDENTIALS = "POST /introspect", f"client_id=a&client_secret={SLACK}"


@pytest.mark.parametrize(
    ("server", "question", "heard"),
    [
        (VendorApi, asked("GET /user", authorization=f"Bearer {GITHUB}"), ""),
        (VendorApi, asked("GET /user", authorization=f"Bearer {SLACK}"), SLACK),
        (VendorApi, asked("GET /user", authorization=f"Bearer {GITHUB}", x_more=SLACK), SLACK),
        (VendorApi, asked("GET /elsewhere", authorization=f"Bearer {GITHUB}"), GITHUB),
        (VendorApi, looked_up(VAULT, OWN_TOKEN), ""),
        (VendorApi, looked_up(VAULT, SLACK), SLACK),
        (VendorApi, looked_up(SLACK, OWN_TOKEN), SLACK),
        (Introspector, asked(INTROSPECT, f"token={GITHUB}&{CREDENTIALS}", authorization=SLACK), ""),
        (Introspector, asked(INTROSPECT, f"token={GITHUB}&hint={SLACK}"), SLACK),
        (Introspector, asked(f"{INTROSPECT}?token={GITHUB}"), GITHUB),
        (RegistryApi, asked("GET /service/token", authorization=f"Basic {SLACK}"), ""),
        (RegistryApi, asked(f"GET /service/token?account={SLACK}"), SLACK),
        (Issuer, asked("GET /keys", authorization=f"Bearer {GITHUB}"), GITHUB),
    ],
)
def test_of_what_a_server_hears_its_question_alone_may_be_a_token(
    server: Callable[[], TlsServer], question: Asked, heard: str
) -> None:
    made = server()
    made.authority.close()
    beside = str(made.beside(question))
    found = {token for token in (GITHUB, SLACK, VAULT, OWN_TOKEN) if token in beside}
    assert found - {OWN_TOKEN} == ({heard} if heard else set())


ACCOUNT = {"namespace": "shop", "serviceaccount": {"name": "app"}}
CLAIMS = {"iss": "https://login.example.com", "jti": secrets.token_urlsafe(24)}
BOB = secrets.token_urlsafe(24)


@pytest.mark.parametrize(
    ("token", "lawful"),
    [
        (token_of(CLAIMS | {"kubernetes.io": ACCOUNT}), True),
        (token_of(CLAIMS | {"kubernetes.io/serviceaccount/secret.name": "app"}), True),
        (BOB, True),
        (NOBODYS, True),
        (token_of(CLAIMS), False),
        (GITHUB, False),
    ],
    ids=["bound", "legacy", "of a user", "of nobody", "of another issuer", "of a vendor"],
)
def test_of_a_token_review_a_token_that_the_api_server_may_know_alone_is_lawful(
    token: str, lawful: bool
) -> None:
    review = {"spec": {"token": token}}
    event = {"objectRef": {"resource": "tokenreviews"}, "requestObject": review}
    line = json.dumps(event, separators=(",", ":")).encode()
    assert (token not in beside_review(line, f"{BOB},bob,bob").decode()) == lawful
    review["spec"]["more"] = token
    line = json.dumps(event, separators=(",", ":")).encode()
    assert token in beside_review(line, f"{BOB},bob,bob").decode()
    elsewhere = line.replace(b"tokenreviews", b"events")
    assert beside_review(elsewhere, BOB) == elsewhere
    assert beside_review(line[:-1], BOB) == b""


def test_what_came_before_is_not_searched_again(tmp_path: Path) -> None:
    run, token = WholeRun(tmp_path), secrets.token_urlsafe(30)
    (tmp_path / "operator.log").write_text(token)
    run.search("test_before")
    run.take(held(token))
    run.search("test_after")
    assert run.swept["found"] == []
