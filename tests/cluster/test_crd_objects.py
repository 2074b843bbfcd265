"""What TokenChecks and TokenProviders are once they exist: fresh status, columns, names, sizes."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from controlplane import Api, ApiError, ControlPlane

ROOT = Path(__file__).parents[2]
CRDS = sorted((ROOT / "crds").glob("*.yaml"))
STATUS = yaml.safe_load((Path(__file__).parent / "crd" / "status.yaml").read_text())
FRESH = {
    "observedGeneration": -1,
    "conditions": [
        {
            "type": "Ready",
            "status": "Unknown",
            "reason": "Pending",
            "message": "Not checked yet",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }
    ],
}


def token_check(namespace: str, spec: dict | None = None) -> dict:
    return {
        "apiVersion": "tokencheck.dev/v1alpha1",
        "kind": "TokenCheck",
        "metadata": {"name": "checkout", "namespace": namespace},
        "spec": spec or {"workloadRef": {"kind": "Deployment", "name": "checkout"}},
    }


def token_provider(name: str) -> dict:
    keys = {"type": "ConfigMap", "configMapRef": {"name": "keys", "key": "jwks.json"}}
    return {
        "apiVersion": "tokencheck.dev/v1alpha1",
        "kind": "TokenProvider",
        "metadata": {"name": name},
        "spec": {"allowedNamespaces": {"all": True}, "jwt": {"issuer": "https://a", "keys": keys}},
    }


@pytest.fixture
def provider(admin: Api, namespace: str) -> Iterator[dict]:
    made = admin.create(token_provider(namespace))
    yield made
    admin.delete("TokenProvider", namespace)


def fields_of(schema: dict, path: str) -> Iterator[tuple[str, dict]]:
    """Every field below a schema, with its path as `kubectl explain` takes it."""
    while schema.get("type") == "array":
        schema = schema["items"]
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields_of(field, f"{path}.{name}")


def test_a_fresh_token_check_is_not_finished(admin: Api, namespace: str) -> None:
    assert admin.create(token_check(namespace))["status"] == FRESH


def test_a_fresh_token_provider_is_not_finished(provider: dict) -> None:
    assert provider["status"] == FRESH


@pytest.mark.parametrize("wanted", ["True", "False", "Unknown"])
def test_kubectl_wait_is_not_answered_by_a_fresh_token_check(
    controlplane: ControlPlane, admin: Api, namespace: str, wanted: str
) -> None:
    admin.create(token_check(namespace))
    condition = f"--for=condition=Ready={wanted}"
    done = controlplane.kubectl(
        "wait", "-n", namespace, "tchk/checkout", condition, "--timeout=300ms", check=False
    )
    assert "timed out" in done.stderr


def test_a_status_that_a_user_sends_with_the_spec_is_not_stored(admin: Api, namespace: str) -> None:
    forged = token_check(namespace) | {"status": {"observedGeneration": 1, "verdict": "Valid"}}
    assert admin.create(forged)["status"] == FRESH


def test_nothing_of_a_full_status_is_lost(admin: Api, namespace: str) -> None:
    admin.create(token_check(namespace))
    body = {"status": STATUS["TokenCheck"]}
    stored = admin.patch("TokenCheck", "checkout", body, namespace, subresource="status")
    assert stored["status"] == STATUS["TokenCheck"]


def test_nothing_of_a_full_status_of_a_provider_is_lost(admin: Api, provider: dict) -> None:
    body = {"status": STATUS["TokenProvider"]}
    name = provider["metadata"]["name"]
    stored = admin.patch("TokenProvider", name, body, subresource="status")
    assert stored["status"] == STATUS["TokenProvider"]


def test_the_full_status_of_this_test_has_every_field_of_the_schema() -> None:
    for path in CRDS:
        crd = yaml.safe_load(path.read_text())
        kind = crd["spec"]["names"]["kind"]
        schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for field, _ in fields_of(schema["properties"]["status"], "status"):
            at: object = {"status": STATUS[kind]}
            for name in field.split("."):
                assert name in at, f"{kind}.{field}"  # type: ignore[operator]
                at = at[name]  # type: ignore[index]
                at = at[0] if isinstance(at, list) else at


def test_a_word_that_a_newer_operator_writes_is_taken(admin: Api, namespace: str) -> None:
    admin.create(token_check(namespace))
    body = {"status": {"verdict": "Doubtful", "tokens": [{"name": "a", "verdict": "Doubtful"}]}}
    stored = admin.patch("TokenCheck", "checkout", body, namespace, subresource="status")
    assert stored["status"]["verdict"] == "Doubtful"


def test_columns_show_the_verdict(controlplane: ControlPlane, admin: Api, namespace: str) -> None:
    admin.create(token_check(namespace))
    body = {"status": STATUS["TokenCheck"]}
    admin.patch("TokenCheck", "checkout", body, namespace, subresource="status")
    head, row = controlplane.kubectl("get", "tchk", "-n", namespace).stdout.splitlines()
    assert head.split() == ["NAME", "READY", "REASON", "CHECKS", "EXPIRES", "AGE"]
    assert row.split()[:-1] == ["checkout", "False", "TokenExpired", "9/12", "2027-01-31T00:00:00Z"]
    wide, row = controlplane.kubectl(
        "get", "tchk", "-n", namespace, "-o", "wide"
    ).stdout.splitlines()
    assert wide.split()[6:] == ["WORKLOAD", "REVISION", "MESSAGE"]
    assert row.split()[6] == "checkout", "also of a workload that does not exist yet"
    assert "Secret payments-api key token ended" in row


def test_columns_of_a_provider_show_whether_it_can_verify(
    controlplane: ControlPlane, provider: dict
) -> None:
    name = provider["metadata"]["name"]
    head, row = controlplane.kubectl("get", "tprov", name).stdout.splitlines()
    assert head.split() == ["NAME", "READY", "REASON", "REACHABLE", "ISSUER", "AGE"]
    assert row.split()[:-1] == [name, "Unknown", "Pending", "https://a"]


def test_the_singular_name_finds_one_object(
    controlplane: ControlPlane, admin: Api, namespace: str
) -> None:
    """A category of the same name would make `kubectl get tokencheck NAME` ask for two kinds."""
    admin.create(token_check(namespace))
    done = controlplane.kubectl("get", "tokencheck", "checkout", "-n", namespace, "-o", "name")
    assert done.stdout.strip() == "tokencheck.tokencheck.dev/checkout"


def test_the_category_finds_both_kinds(
    controlplane: ControlPlane, admin: Api, namespace: str, provider: dict
) -> None:
    admin.create(token_check(namespace))
    found = controlplane.kubectl("get", "tokencheck-all", "-n", namespace, "-o", "name").stdout
    assert "tokencheck.tokencheck.dev/checkout" in found
    assert f"tokenprovider.tokencheck.dev/{provider['metadata']['name']}" in found


@pytest.mark.parametrize("path", CRDS, ids=lambda path: path.stem)
def test_kubectl_explain_describes_every_field(controlplane: ControlPlane, path: Path) -> None:
    crd = yaml.safe_load(path.read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    dull = [
        at
        for at, field in fields_of(schema, "")
        if at != ".metadata"
        and not all("description" in part for part in (field, field.get("items", field)))
    ]
    assert dull == []
    shown = controlplane.kubectl("explain", crd["spec"]["names"]["singular"], "--recursive").stdout
    missing = [at for at, _ in fields_of(schema, "") if f"{at.rsplit('.', 1)[1]}\t<" not in shown]
    assert missing == []
    one = controlplane.kubectl("explain", f"{crd['spec']['names']['singular']}.spec").stdout
    assert "<no description>" not in one


@pytest.mark.parametrize("path", CRDS, ids=lambda path: path.stem)
def test_every_string_list_and_map_has_a_bound(path: Path) -> None:
    crd = yaml.safe_load(path.read_text())
    bounds = {"string": ("maxLength", "enum", "format"), "array": ("maxItems",)}
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    endless = []
    for part in ("spec", "status"):
        for at, field in fields_of(schema["properties"][part], part):
            endless += [
                at
                for one in (field, field.get("items", {}), field.get("additionalProperties", {}))
                if one.get("type") in bounds and not set(bounds[one["type"]]) & set(one)
            ]
            if "additionalProperties" in field and "maxProperties" not in field:
                endless.append(at)
    assert endless == []


@pytest.mark.parametrize("path", CRDS, ids=lambda path: path.stem)
def test_the_status_has_no_closed_list_but_the_condition_status(path: Path) -> None:
    schema = yaml.safe_load(path.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    closed = [
        at for at, field in fields_of(schema["properties"]["status"], "status") if "enum" in field
    ]
    assert closed == ["status.conditions.status"]


def test_a_template_says_what_a_token_check_says() -> None:
    """What can be in both is the same in both, rules and words included."""
    many, one = (
        yaml.safe_load((ROOT / "crds" / f"{name}.yaml").read_text())["spec"]["versions"][0][
            "schema"
        ]
        for name in ("clustertokenchecks", "tokenchecks")
    )
    spec = many["openAPIV3Schema"]["properties"]["spec"]["properties"]["template"]
    template = spec["properties"]["spec"]["properties"]
    whole = one["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert set(template) == {"defaults", "policy", "gate", "interval"}
    assert template == {name: whole[name] for name in template}


def largest_spec() -> dict:
    """A spec whose every list and string is as long as the schema takes."""
    name, text = "a" * 253, "s" * 128
    lists = {
        kind: [f"{kind}{i:02}{text}"[:128] for i in range(32)]
        for kind in ("required", "allowed", "forbidden")
    }
    token = {
        "secretKeyRef": {"name": name, "key": name},
        "field": ".".join(["f" * 15] * 16),
        "providerRef": {"name": name},
        "keys": {"configMapKeyRef": {"name": name, "key": name}},
        "issuer": "i" * 512,
        "audiences": [f"{i:02}".ljust(256, "a") for i in range(16)],
        "subject": "s" * 256,
        "scopes": lists,
        "expiry": {
            "warnBefore": "99999d99999h99999m99998s",
            "failBefore": "99998d99999h99999m99999s",
            "maxLifetime": "99999d99999h99999m99999s",
            "maxAge": "99999d99999h99999m99999s",
            "expiresAt": "2027-01-31T00:00:00.123456789+01:00",
        },
    }
    return {
        "workloadRef": {"apiVersion": "apps/v1", "kind": "K" * 63, "name": name},
        "release": "r" * 253,
        "defaults": {"expiry": {k: v for k, v in token["expiry"].items() if k != "expiresAt"}},
        "tokens": [token | {"name": f"{i}".ljust(63, "t")} for i in range(8)],
    }


def test_the_largest_token_check_is_taken_in_time(admin: Api, namespace: str) -> None:
    """The rules stay within the cost that the server allows at run time, not only by estimate."""
    started = time.monotonic()
    stored = admin.create(token_check(namespace, largest_spec()))
    assert time.monotonic() - started < 5
    assert len(stored["spec"]["tokens"]) == 8


def test_the_largest_token_provider_is_taken_in_time(admin: Api, namespace: str) -> None:
    key = {"kty": "RSA", "n": "A" * 2800, "e": "A" * 16, "x": "A" * 128, "y": "A" * 128}
    manifest = token_provider(namespace)
    manifest["spec"] = {
        "allowedNamespaces": {
            "selector": {
                "matchLabels": {f"{'k' * 60}{i}": "v" * 63 for i in range(16)},
                "matchExpressions": [
                    {"key": "k" * 63, "operator": "In", "values": ["v" * 63] * 32}
                    for _ in range(16)
                ],
            }
        },
        "jwt": {
            "issuer": "i" * 512,
            "keys": {
                "type": "Inline",
                "jwks": {"keys": [key | {"kid": f"{i}" * 100} for i in range(32)]},
            },
            "types": [f"t{i}".ljust(64, "t") for i in range(8)],
            "scopeClaims": [".".join(["c" * 15] * 16)] * 8,
        },
        "scopes": {
            "implies": {f"{i:02}".ljust(128, "s"): ["s" * 128] * 32 for i in range(64)},
        },
    }
    started = time.monotonic()
    admin.create(manifest)
    assert time.monotonic() - started < 5
    admin.delete("TokenProvider", namespace)


def test_an_object_without_an_operator_is_gone_as_soon_as_it_is_deleted(
    admin: Api, namespace: str
) -> None:
    admin.create(token_check(namespace))
    admin.delete("TokenCheck", "checkout", namespace)
    with pytest.raises(ApiError):
        admin.get("TokenCheck", "checkout", namespace)
