"""Manifests from files: YAML or JSON, one document or many."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tokencheck.model.errors import UsageError

MAX_BYTES = 4 << 20


def manifests_in(path: str) -> tuple[Mapping[str, Any], ...]:
    """Return the objects that the file holds, those of a List one by one.

    Raises:
        UsageError: it cannot be read; no part of its content is in the message.
    """
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError:
        raise UsageError(f"The file {path} cannot be read. Name one that exists.") from None
    if len(text) > MAX_BYTES:
        raise UsageError(f"The file {path} is larger than {MAX_BYTES >> 20} MiB.")
    return tuple(_objects(_documents(path, text)))


def _documents(path: str, text: bytes) -> list[Any]:
    if text.lstrip().startswith(b"{"):
        try:
            return [json.loads(text)]
        except ValueError:
            pass  # YAML's own braces, or several documents
    # Here: the YAML library takes longer to load than JSON takes to parse.
    import yaml

    try:
        return list(yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise UsageError(f"The file {path} is not YAML{line}. Correct it.") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise UsageError(f"The file {path} is not YAML. Correct it.") from None


def _objects(documents: list[Any]) -> Iterator[Mapping[str, Any]]:
    for document in documents:
        if not isinstance(document, dict):
            continue
        items = document.get("items")
        if document.get("kind") == "List" and isinstance(items, list):
            yield from _objects(items)
        else:
            yield document


def config_map_values(objects: tuple[Mapping[str, Any], ...], name: str, key: str) -> Iterator[str]:
    """Yield the text under `key` of each ConfigMap called `name`."""
    for obj in objects:
        meta, data = obj.get("metadata"), obj.get("data")
        if (
            obj.get("kind") == "ConfigMap"
            and isinstance(meta, dict)
            and isinstance(data, dict)
            and meta.get("name") == name
            and isinstance(data.get(key), str)
        ):
            yield data[key]
