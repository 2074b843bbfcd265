"""No token text comes out: not in logs at DEBUG, statuses, Events, metrics, output of commands, nor
anywhere in etcd but in the Secrets themselves. Every token here carries secrets of its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from canary import Secret, Sweep
from cluster.canaries import Planted, planted, rare
from cluster.cli import tokencheck
from cluster.dump import etcd_dump
from cluster.ending import of_process
from cluster.road import Road, operator_behind, watches
from cluster.shop import Object, Shop, env, is_current, listed, pod_spec
from cluster.statuses import Statuses
from controlplane import Api, ControlPlane
from faultproxy import Seen

NAMESPACE = "canaries"
OWN = f"secrets/{NAMESPACE}/"


@dataclass
class Aftermath:
    """What everybody could read after the tokens were judged, changed and broken."""

    sweep: Sweep
    tokens: list[Planted]
    logs: dict[str, bytes] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)


# What happens to the tokens


def fill(shop: Shop, tokens: list[Planted], note: str) -> None:
    """Every token stands in a Secret that a Deployment mounts and two checks look at."""
    for one in tokens:
        data = {"token": one.text, "unused": rare(40)}
        # As `kubectl apply` leaves values behind in an annotation.
        applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": note})}
        shop.secret(one.name, data=data, annotations=applied)
        source = listed(one.name, **one.listed) | ({"field": one.field} if one.field else {})
        shop.check(one.name, source)
        shop.workload(one.name, pod_spec(env(one.name)), replicas=1)
        shop.check(f"{one.name}-found", workload=f"Deployment/{one.name}")


def wait_judged(shop: Shop, tokens: list[Planted]) -> None:
    for one in tokens:
        for name in (one.name, f"{one.name}-found"):
            shop.wait(name, lambda it: is_current(it) and it["status"].get("verdict"))


def rotate(shop: Shop, tokens: list[Planted]) -> None:
    """Each Secret holds the token of another, so that it drifts, and then its own again."""
    for shift in (1, 0):
        for at, one in enumerate(tokens):
            other = tokens[(at + shift) % len(tokens)]
            version = shop.secret(one.name, other.text)["metadata"]["resourceVersion"]
        # The last one is judged after all others.
        shop.wait(one.name, lambda it, new=version: _version_of(it) == new)


def _version_of(found: Object) -> str:
    tokens = found["status"].get("tokens") or [{}]
    return str(tokens[0].get("resourceVersion"))


def torment(road: Road, shop: Shop, tokens: list[Planted]) -> None:
    """The API server answers with nonsense that holds tokens."""
    text = json.dumps(tokens[0].text)[1:-1]
    whole = {"metadata": {"name": "good", "namespace": NAMESPACE, "resourceVersion": {"x": text}}}
    garbage = [
        json.dumps({"type": "ERROR", "object": {"code": 500, "message": text}}),
        json.dumps({"type": "MODIFIED", "object": whole | {"data": {"token": text}}}),
        f'{{"type":"ADDED","object":{{"data":"{text}',
        text,
    ]
    for line in map(str.encode, garbage):
        road.do(lambda proxy, raw=line: proxy.inject(raw, watches("secrets")))
        road.do(lambda proxy: proxy.cut(watches("secrets")))
    bodies = [
        (200, f'{{"metadata": {{"name": "{text}", "uid": ["{text}"]'),
        (200, json.dumps({"metadata": {"name": text, "resourceVersion": [text]}, "data": text})),
        (500, json.dumps({"kind": "Status", "message": text, "code": 500})),
        (403, json.dumps({"kind": "Status", "message": text, "code": 403})),
    ]

    def reads_good(seen: Seen) -> bool:
        return seen.method == "GET" and seen.path.endswith("/secrets/good")

    for number, (status, body) in enumerate(bodies):
        raw = body.encode()
        road.do(
            lambda proxy, status=status, raw=raw: proxy.refuse(
                status, reads_good, times=2, body=raw
            )
        )
        shop.annotate("TokenCheck", "good", check_now=str(number))
        shop.wait("good", lambda it, n=number: it["status"].get("lastHandledCheckNow") == str(n))


# What came out


def commands(tokens: list[Planted], kubeconfig: Path, folder: Path) -> dict[str, bytes]:
    """What the command line says about every token, in every format."""
    said: dict[str, bytes] = {}

    def say(*args: str, stdin: str = "", cluster: bool = True) -> None:
        done = tokencheck(*args, kubeconfig=kubeconfig if cluster else None, stdin=stdin)
        said[" ".join(args)] = (done.stdout + done.stderr).encode()
        assert "Traceback" not in done.stderr, (args, done.stderr)

    for form in ("table", "wide", "json", "yaml"):
        say("get", "-n", NAMESPACE, "-o", form)
    for form in ("table", "json"):
        say("explain", "-n", NAMESPACE, "subject", "-o", form)
        say("explain", "-n", NAMESPACE, "claims", "-o", form)
    for form in ("table", "json", "junit"):
        say("audit", "-n", NAMESPACE, "-o", form)
    for name in ("good", "docker", "kubeconfig"):
        say("init", f"deploy/{name}", "-n", NAMESPACE)
    for one in tokens:
        path = folder / f"{one.name}.token"
        path.write_text(one.text)
        say("verify", "--file", str(path), "--issuer", "https://other", "-o", "json", cluster=False)
    say("verify", "-", stdin=tokens[0].text, cluster=False)
    say("verify", "--secret", f"{NAMESPACE}/key-id#token")
    manifest = folder / "hard-coded.json"
    spec = pod_spec({"env": [{"name": "API_TOKEN", "value": tokens[0].text}]})
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    manifest.write_text(json.dumps(pod))
    say("audit", "-f", str(manifest), cluster=False)
    return said


@pytest.fixture(scope="module")
def aftermath(
    controlplane: ControlPlane,
    admin: Api,
    sound_statuses: Statuses,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Aftermath]:
    folder = tmp_path_factory.mktemp("canary")
    admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    admin.wait("ServiceAccount", "default", NAMESPACE, until=bool)
    shop = Shop(admin, NAMESPACE, sound_statuses)
    tokens = planted(shop.signer, shop.provider())
    note = Secret("annotation", rare())
    sweep = Sweep([note, *(secret for one in tokens for secret in one.secrets)])
    made = Aftermath(sweep, tokens)
    with operator_behind(controlplane, folder, "--log-level", "DEBUG") as (road, operator):
        fill(shop, tokens, note.text)
        wait_judged(shop, tokens)
        rotate(shop, tokens)
        torment(road, shop, tokens)
        wait_judged(shop, tokens)
        made.texts |= {"/metrics": operator.get("/metrics")[1].encode()}
        made.texts |= {page: operator.get(page)[1].encode() for page in ("/healthz", "/readyz")}
        made.texts |= of_process(operator) | commands(tokens, controlplane.kubeconfig(), folder)
    made.texts |= histories(shop)
    made.logs["operator"] = operator.log.read_bytes()
    made.logs["audit"] = controlplane.at.audit_log.read_bytes()
    yield made
    shop.close()
    admin.delete("Namespace", NAMESPACE)


def histories(shop: Shop) -> dict[str, bytes]:
    """Every version of every check that the watch has shown."""
    return {
        f"status of {check['metadata']['name']}": json.dumps(
            [seen.object for seen in shop.history(check["metadata"]["name"])]
        ).encode()
        for check in shop.admin.list("TokenCheck", NAMESPACE)
    }


def test_the_tokens_were_judged_in_every_way(aftermath: Aftermath, admin: Api) -> None:
    """Else the tests below would prove nothing."""
    verdicts = {
        check["metadata"]["name"]: check["status"]["conditions"][0]["reason"]
        for check in admin.list("TokenCheck", NAMESPACE)
    }
    assert {
        "SubjectMismatch",
        "TokenExpired",
        "SignatureInvalid",
        "KeyNotFound",
        "MalformedToken",
        "NotVerifiable",
    } <= set(verdicts.values()), verdicts
    events = admin.list("events.k8s.io/v1/Event", NAMESPACE)
    ours = {one["reason"] for one in events if one["reportingController"].startswith("tokencheck")}
    assert {"TokenDrifted", "TokenRotated", "TokenMalformed", "TokenInvalid"} <= ours, ours
    assert aftermath.logs["operator"].count(b"Ready=") > len(aftermath.tokens)
    assert len(aftermath.texts["/metrics"]) > 10_000


def test_no_token_text_is_in_the_operator_s_log_at_debug(aftermath: Aftermath) -> None:
    assert aftermath.sweep.report({"log": aftermath.logs["operator"]}) == []


def test_no_token_text_is_in_any_request_body_that_the_operator_ever_sent(
    aftermath: Aftermath,
) -> None:
    """The audit log holds them whole: statuses and Events that have been overwritten since too."""
    assert b'"requestObject"' in aftermath.logs["audit"]
    assert aftermath.sweep.report({"audit log": aftermath.logs["audit"]}) == []


def test_no_token_text_is_in_metrics_statuses_commands_or_the_process(
    aftermath: Aftermath,
) -> None:
    assert aftermath.sweep.report(aftermath.texts) == []


def test_no_token_text_is_in_etcd_but_in_the_secrets_themselves(
    aftermath: Aftermath, controlplane: ControlPlane
) -> None:
    found = etcd_dump(controlplane, but=OWN)
    kinds = {key.split("/")[2] for key in found if key.startswith("/registry/")}
    assert {"events", "tokencheck.dev", "deployments", "pods"} <= kinds, kinds
    assert aftermath.sweep.report(found) == []


def test_the_sweep_of_etcd_sees_a_leak_in_an_annotation_and_one_in_an_event(
    aftermath: Aftermath, admin: Api, controlplane: ControlPlane
) -> None:
    hidden = aftermath.tokens[0].secrets[0].text
    note = base64.b64encode(f"Bearer {hidden}".encode()).decode()
    name, event = "planted", "planted-event"
    meta = {"name": name, "namespace": NAMESPACE, "annotations": {"example.com/note": note}}
    admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    told: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": event, "namespace": NAMESPACE},
        "involvedObject": {"kind": "ConfigMap", "name": name, "namespace": NAMESPACE},
        "message": f"refused: ...{hidden[20:32]}...",
    }
    admin.create(told)
    try:
        leaks = aftermath.sweep.report(etcd_dump(controlplane, but=OWN))
    finally:
        admin.delete("ConfigMap", name, NAMESPACE)
        admin.delete("v1/Event", event, NAMESPACE)
    places = {leak.partition(":")[0] for leak in leaks}
    assert places == {
        f"/registry/configmaps/{NAMESPACE}/{name}",
        f"/registry/events/{NAMESPACE}/{event}",
    }
