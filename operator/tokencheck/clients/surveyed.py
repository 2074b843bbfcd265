"""A workload object -> what an audit keeps of it: sites, and texts in it that look like tokens."""

from collections.abc import Iterator, Mapping
from typing import Any

from tokencheck.core.tokens.candidates import looks_like_token
from tokencheck.core.workloads.parse import parse_workload
from tokencheck.core.workloads.untyped import at, items, mapping, text
from tokencheck.model.census import Literal, Surveyed
from tokencheck.model.sealed import Sealed

_TEMPLATES = {"CronJob": ("spec", "jobTemplate", "spec", "template", "spec"), "Pod": ("spec",)}
_TEMPLATE = ("spec", "template", "spec")
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


def surveyed_of(obj: Mapping[str, Any]) -> Surveyed:
    """Return the workload that `obj` holds; total, like `parse_workload`."""
    pod_spec = mapping(at(obj, *_TEMPLATES.get(text(obj.get("kind")), _TEMPLATE)))
    return Surveyed(
        workload=parse_workload(obj),
        literals=tuple(literals_of(pod_spec)),
        automounts=pod_spec.get("automountServiceAccountToken") is not False,
    )


def literals_of(pod_spec: Mapping[str, Any]) -> Iterator[Literal]:
    """Yield the values of variables and arguments that look like tokens."""
    for name in _CONTAINERS:
        for container in items(pod_spec.get(name)):
            called = text(container.get("name"))
            for variable, value in _environment(container):
                yield from _literal(f"env {variable} of container {called}", variable, value)
            for flag, value in _arguments(container):
                yield from _literal(f"argument {flag} of container {called}", flag, value)


def _environment(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for variable in items(container.get("env")):
        if value := text(variable.get("value")):
            yield text(variable.get("name")), value


def _arguments(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (flag, value) of ``--flag=value`` and ``--flag value``, "" for what has no flag."""
    before = ""
    for field in ("command", "args"):
        words = container.get(field)
        for word in words if isinstance(words, list) else ():
            if not isinstance(word, str):
                continue
            flag, equals, value = word.partition("=")
            if word.startswith("-") and equals:
                yield flag, value
                before = ""
            elif word.startswith("-"):
                before = word
            else:
                yield before, word
                before = ""


def _literal(where: str, name: str, value: str) -> Iterator[Literal]:
    encoded = value.encode("utf-8", "surrogatepass")
    if looks_like_token(name, encoded):
        yield Literal(where=where, name=name, text=Sealed(encoded))
