"""Any JSON, and JSON that is nearly what a schema of ours says: parsers must take all of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

_CRDS = Path(__file__).parents[1] / "crds"
# What some parser looks for, so that the search gets deep.
_WORDS = """
1h 1m 20% 2026-01-01T00:00:00Z https://login.example.com 10.0.0.0/8 login.example.com:8443 scp
a.b[0] Deployment get:pods read:secret/data/a
"""
_TEXTS = st.sampled_from(["", *_WORDS.split()])
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | _TEXTS
JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
# One in eight: a whole object is mostly as its schema has it, and wrong somewhere.
_WRONG = st.sampled_from([False] * 7 + [True])


@cache
def objects(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of this file of ``crds/``, whatever may stand in the place of each of their parts."""
    crd = yaml.safe_load((_CRDS / f"{kind}.yaml").read_text())
    (version,) = crd["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    metadata = st.dictionaries(
        st.sampled_from(["name", "namespace", "uid", "generation", "annotations", "labels"]), JSON
    )
    return st.fixed_dictionaries(
        {}, optional={"metadata": metadata | JSON, "spec": shaped(spec), "status": JSON}
    )


def shaped(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What the schema describes, with any JSON in the place of some parts."""
    right = _right(schema)
    return _WRONG.flatmap(lambda wrong: JSON if wrong else right)


def _right(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object" if "properties" in schema:
            parts = {name: shaped(part) for name, part in schema["properties"].items()}
            required = {name: parts.pop(name) for name in schema.get("required", ())}
            return st.fixed_dictionaries(required, optional=parts)
        case "object":
            of = schema.get("additionalProperties")
            return st.dictionaries(st.text(max_size=8), shaped(of) if of else JSON, max_size=2)
        case "array":
            return st.lists(shaped(schema["items"]), max_size=3)
        case "string":
            return _TEXTS | st.text(max_size=8)
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers()
    return JSON
