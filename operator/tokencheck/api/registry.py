"""The registry whose logins a TokenProvider is asked about: by which name, and for which access."""

import re
from dataclasses import dataclass

from tokencheck.api.fields import Fields
from tokencheck.api.urls import parse_place

_ENTRY = re.compile(r"(?:https?://)?([^/]+)(?:/.*)?", re.DOTALL)
# All of them are Docker Hub, as docker, the kubelet and people write it.
_DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_SERVICE = re.compile(r"[ -~]{1,128}")
# Source: CNCF Distribution, "Token Scope Documentation"; without a host before the name.
_SCOPE = re.compile(
    r"repository:(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*):(?P<actions>(?:[a-z]+|\*)(?:,(?:[a-z]+|\*))*)"
)
_MAX_SCOPE = 512
_SCOPE_FORM = "must be repository:NAME:ACTIONS, such as repository:team/app:pull,push"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Access to one repository that is asked for.

    Args:
        name: of the repository.
        actions: joined by commas.
    """

    name: str
    actions: str

    def __str__(self) -> str:
        """Return it as it stands in a question."""
        return f"repository:{self.name}:{self.actions}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A registry whose token server is asked in its stead; without one it is asked itself.

    Args:
        host: as `registry_host` spells it.
        service: how its token server calls it; None where it has none.
        scope: the access that a token server is asked for beside; None for none.
    """

    host: str
    service: str | None = None
    scope: Scope | None = None


def registry_host(entry: str) -> str:
    """Return the registry that an entry of `auths` is for, in one spelling; "" for none.

    Entries name it with or without https:// and a path. Patterns (``*.example.com``) name none.
    """
    found = _ENTRY.fullmatch(entry)
    place = parse_place(found[1]) if found else ""
    if isinstance(place, str):
        return ""
    return "docker.io" if place.place in _DOCKER_HUB else place.place


def parse_registry(fields: Fields) -> Registry:
    """Return the registry; its faults are in `fields`."""
    entry = fields.required_text("host")
    host = registry_host(entry)
    if entry and not host:
        fields.fault("host", "must be the registry's as it stands in auths, such as docker.io")
    service = fields.text("service")
    if service and not _SERVICE.fullmatch(service):
        fields.fault("service", "must be plain ASCII text, as in WWW-Authenticate of the registry")
    scope = _scope(fields)
    if scope and not service:
        fields.fault("scope", "is asked of a token server: give its service too")
    return Registry(host=host, service=service, scope=scope)


def _scope(fields: Fields) -> Scope | None:
    text = fields.text("scope")
    if text is None:
        return None
    found = _SCOPE.fullmatch(text) if len(text) <= _MAX_SCOPE else None
    if found is None:
        fields.fault("scope", _SCOPE_FORM)
        return None
    return Scope(name=found["name"], actions=found["actions"])
