"""The API server's own schemas, as kubeconform reads them from files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from controlplane import Api

# Where kubeconform looks with -strict, below the location that it is given.
_FOLDER = "master-standalone-strict"
_REFERENCE = re.compile(r'"#/definitions/([^"]+)"')
# The keywords of a schema with schemas in them that describe the same value or parts of it.
_WITHIN = ("items", "additionalProperties", "allOf")


def write_schemas(api: Api, location: Path) -> None:
    """Every kind that is served has a file below the location, which refuses unknown fields."""
    folder = location / _FOLDER
    folder.mkdir()
    for path in api.request("GET", "/openapi/v3")["paths"]:
        document = api.request("GET", f"/openapi/v3/{path}")
        schemas = document.get("components", {}).get("schemas", {})
        texts = {name: _text(schema) for name, schema in schemas.items()}
        for name, schema in schemas.items():
            kinds = schema.get("x-kubernetes-group-version-kind", ())
            # What many kinds share, such as DeleteOptions, is no object of its own.
            if len(kinds) == 1:
                (folder / _file(**kinds[0])).write_text(_document(name, texts))


def closed(schema: Any) -> Any:
    """The schema, but where it names fields and says nothing of others, these are refused.

    As openapi2jsonschema does it for kubeconform, and kubectl did: an API server that gets an
    unknown field drops it.
    """
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = schema | {key: closed(schema[key]) for key in _WITHIN if key in schema}
    if "properties" in schema:
        made["properties"] = {name: closed(one) for name, one in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    return made


def _text(schema: Any) -> str:
    return json.dumps(closed(schema)).replace("#/components/schemas/", "#/definitions/")


def _document(name: str, texts: dict[str, str]) -> str:
    """One schema with all that it refers to: some refer to themselves."""
    found: set[str] = set()
    todo = [name]
    while todo:
        if (one := todo.pop()) not in found:
            found.add(one)
            todo += _REFERENCE.findall(texts[one])
    parts = ", ".join(f"{json.dumps(one)}: {texts[one]}" for one in sorted(found))
    return f'{{"$ref": "#/definitions/{name}", "definitions": {{{parts}}}}}'


def _file(*, group: str, version: str, kind: str) -> str:
    """Of a group, kubeconform takes the first label."""
    parts = [kind, *group.split(".")[:1], version] if group else [kind, version]
    return f"{'-'.join(parts).lower()}.json"
