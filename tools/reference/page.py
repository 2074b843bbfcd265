"""CRDs -> the page docs/reference.md: a table per object, a row per field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Schema = dict[str, Any]
_HEAD = """<!-- Written by `make docs` from crds/. Change the descriptions there. -->
# Reference of every field

What `kubectl explain` shows, on one page. A field in **bold** must be given. Durations are
written with their largest unit first: `90s`, `72h`, `90d`, `1d12h`.
"""


def page_of(crds: Sequence[Schema]) -> str:
    """Return the Markdown page that describes every field of these CRDs."""
    return "\n".join([_HEAD, *(line for crd in crds for line in _kind(crd))])


def _kind(crd: Schema) -> Iterator[str]:
    names, version = crd["spec"]["names"], crd["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    scope = "one namespace" if crd["spec"]["scope"] == "Namespaced" else "the whole cluster"
    yield f"## {names['kind']}\n"
    yield f"{schema['description']}\n"
    yield f"- `apiVersion: {crd['spec']['group']}/{version['name']}`, `kind: {names['kind']}`"
    yield f"- belongs to {scope}; short name `{names['shortNames'][0]}`"
    shown = ", ".join(f"`{column['name']}`" for column in version["additionalPrinterColumns"])
    yield f"- columns of `kubectl get -o wide`: {shown}\n"
    yield from _rules(schema)
    for part in ("spec", "status"):
        yield from _object(f"{names['kind']}.{part}", schema["properties"][part])


def _object(path: str, schema: Schema) -> Iterator[str]:
    """The table of one object, then those of the objects in it, in the order of the schema."""
    yield f"### `{path}`\n"
    yield f"{schema['description']}\n"
    yield "| field | type | what it says |"
    yield "|---|---|---|"
    fields: dict[str, Schema] = schema["properties"]
    for name, field in fields.items():
        shown = f"**`{name}`**" if name in schema.get("required", ()) else f"`{name}`"
        yield f"| {shown} | {_cell(_type(field))} | {_cell(_says(field))} |"
    yield ""
    yield from _rules(schema)
    for name, field in fields.items():
        inner, suffix = _inner(field)
        if "properties" in inner:
            yield from _object(f"{path}.{name}{suffix}", inner)


def _rules(schema: Schema) -> Iterator[str]:
    messages = _messages(schema)
    if messages:
        yield "What is said when a rule is broken:\n"
        yield from (f"- {message}" for message in messages)
        yield ""


def _messages(schema: Schema) -> list[str]:
    return [rule["message"] for rule in schema.get("x-kubernetes-validations", ())]


def _inner(field: Schema) -> tuple[Schema, str]:
    """The schema of what a list or map holds, and how its path is written."""
    suffix = ""
    while True:
        if field.get("type") == "array":
            field, suffix = field["items"], f"{suffix}[]"
        elif "additionalProperties" in field:
            field, suffix = field["additionalProperties"], f"{suffix}.*"
        else:
            return field, suffix


def _type(field: Schema) -> str:
    if field.get("type") == "array":
        return f"list of {_plural(field['items'])}, at most {field['maxItems']}"
    if "additionalProperties" in field:
        return f"map to {_type(field['additionalProperties'])}"
    if "enum" in field:
        return " or ".join(f"`{word}`" for word in field["enum"])
    if field.get("format") == "date-time":
        return "time"
    return str(field.get("type", "any"))


def _plural(items: Schema) -> str:
    if "enum" in items:
        return " / ".join(f"`{word}`" for word in items["enum"])
    return f"{_type(items)}s"


def _says(field: Schema) -> str:
    """The description, the rules of a plain field, and its default."""
    parts = [field["description"]]
    inner, _ = _inner(field)
    if "properties" not in inner:
        parts += [_sentence(message) for message in _messages(inner)]
    if "default" in field and not isinstance(field["default"], dict):
        parts.append(f"Default: `{field['default']}`.")
    return " ".join(parts)


def _sentence(message: str) -> str:
    return f"{message[0].upper()}{message[1:]}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
