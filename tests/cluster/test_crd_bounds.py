"""Every bound of the schemas is kept by the API server, and every rule refuses a spec here."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controlplane import Api, ApiError

ROOT = Path(__file__).parents[2]
TABLES = Path(__file__).parent / "crd"
CRDS = {
    crd["spec"]["names"]["kind"]: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for crd in (yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml"))
}
RIGHT = yaml.safe_load((TABLES / "right.yaml").read_text())
WRONG = yaml.safe_load((TABLES / "wrong.yaml").read_text())
# Members of private keys: refused whatever they hold.
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
Path_ = tuple[str | int, ...]
Object = dict[str, Any]


def rules_of(schema: object) -> Iterator[str]:
    """The messages of all CEL rules of a schema."""
    if isinstance(schema, dict):
        yield from (rule["message"] for rule in schema.get("x-kubernetes-validations", ()))
        for name, part in schema.items():
            if name != "x-kubernetes-validations":
                yield from rules_of(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from rules_of(part)


@pytest.mark.parametrize("kind", CRDS)
def test_every_rule_has_a_wrong_spec_that_it_refuses(kind: str) -> None:
    said = [line for row in WRONG if row["kind"] == kind for line in row["says"]]
    missing = {rule for rule in rules_of(CRDS[kind]) if not any(rule in line for line in said)}
    assert missing == set()


def places(schema: Object, value: object, at: Path_) -> Iterator[tuple[Path_, Object, Any]]:
    """Each part of a value with its path and its schema."""
    yield at, schema, value
    if isinstance(value, dict):
        for name, part in value.items():
            below = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if below:
                yield from places(below, part, (*at, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from places(schema["items"], part, (*at, number))


def fields_of(schema: Object, at: tuple[str, ...] = ("spec",)) -> Iterator[tuple[str, ...]]:
    while schema.get("type") == "array":
        schema = schema["items"]
    for name, field in schema.get("properties", {}).items():
        yield (*at, name)
        yield from fields_of(field, (*at, name))


def beyond(schema: Object, value: Any) -> Iterator[tuple[str, Any]]:
    """Each bound of a schema, and a value on its other side."""
    many = schema.get("maxItems", 0) + 1
    first = value[0] if isinstance(value, list) and value else "x"
    copies = [
        first | ({"name": f"x{number}"} if "name" in first else {})
        if isinstance(first, dict)
        else f"x{number}"
        for number in range(many)
    ]
    others = {
        "maxLength": "a" * (schema.get("maxLength", 0) + 1),
        "minLength": "",
        "maxItems": copies,
        "minItems": [],
        "maxProperties": {
            f"k{number}": "v" for number in range(schema.get("maxProperties", 0) + 1)
        },
        "enum": "no-such-word",
        "pattern": "\u00e9 ",
    }
    yield from ((bound, other) for bound, other in others.items() if bound in schema)


def changed(spec: Object, path: Path_, value: object) -> Object:
    """The spec with another value there."""
    made = copy.deepcopy({"spec": spec})
    inner: Any = made
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return made


def shown(path: Path_) -> str:
    """The path as the API server writes it."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text[1:]


def refusal(admin: Api, kind: str, namespace: str, body: Object) -> list[str]:
    """The fields that the API server finds fault with; nothing is stored."""
    meta = {"name": "sample"} | ({"namespace": namespace} if kind == "TokenCheck" else {})
    manifest = {"apiVersion": "tokencheck.dev/v1alpha1", "kind": kind, "metadata": meta} | body
    path = admin.path(kind, meta.get("namespace"))
    query = {"dryRun": "All", "fieldValidation": "Strict"}
    try:
        admin.request("POST", path, manifest, query=query)
    except ApiError as refused:
        return [cause["field"] for cause in refused.status["details"]["causes"]]
    return []


@pytest.mark.parametrize("kind", CRDS)
def test_every_bound_of_a_spec_is_kept_by_the_api_server(
    admin: Api, namespace: str, kind: str
) -> None:
    schema = CRDS[kind]["properties"]["spec"]
    specs = [row["spec"] for row in RIGHT if row["kind"] == kind]
    tried: set[tuple[str, ...]] = set()
    loose = []
    for spec in specs:
        for path, part, value in places(schema, spec, ("spec",)):
            named = tuple(step for step in path if isinstance(step, str))
            if named in tried:
                continue
            tried.add(named)
            for bound, other in beyond(part, value):
                fields = refusal(admin, kind, namespace, changed(spec, path, other))
                if not any(field.startswith(shown(path)) for field in fields):
                    loose.append(f"{shown(path)}: {bound}, refused: {fields}")
    assert loose == []
    # Nothing was left out: the specs of `right.yaml` have every field.
    every = {field for field in fields_of(schema) if not PRIVATE & set(field)}
    assert every - tried == set()
