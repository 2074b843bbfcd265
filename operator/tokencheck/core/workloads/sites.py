"""Where the containers of a Pod take tokens.

Source: Pod API v1: env, envFrom, volumes (secret, projected, csi), imagePullSecrets.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tokencheck.core.workloads.injectors import injected_sites
from tokencheck.core.workloads.untyped import at, flag, items, mapping, text
from tokencheck.core.workloads.volumes import mounted, parts_of, unmounted
from tokencheck.model.workload import Site, SiteKind

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_NOTHING: Mapping[str, Any] = {}


def sites_of(pod_spec: object, annotations: Mapping[str, Any] = _NOTHING) -> tuple[Site, ...]:
    """Return every site of a Pod's spec, in the order of the spec, each once.

    The automounted service-account token is none of them: it decides neither whether tokens were
    found nor any finding.

    Args:
        pod_spec: spec of a Pod or of a Pod template.
        annotations: of the Pod or the template; some ask a webhook for tokens.
    """
    spec = mapping(pod_spec)
    containers = tuple(c for name in _CONTAINERS for c in items(spec.get(name)))
    found = (
        *(site for container in containers for site in _environment(container)),
        *_volumes(spec, containers),
        *_pull_secrets(spec),
        *injected_sites(mapping(annotations)),
    )
    return tuple(dict.fromkeys(found))


def _environment(container: Mapping[str, Any]) -> Iterator[Site]:
    name = text(container.get("name"))
    for variable in items(container.get("env")):
        ref = mapping(at(variable, "valueFrom", "secretKeyRef"))
        secret, key = text(ref.get("name")), text(ref.get("key"))
        if secret and key:
            yield Site(
                kind=SiteKind.ENV,
                container=name,
                where=text(variable.get("name")),
                secret=secret,
                key=key,
                optional=flag(ref.get("optional")),
            )
    for source in items(container.get("envFrom")):
        ref = mapping(source.get("secretRef"))
        if text(ref.get("name")):
            yield Site(
                kind=SiteKind.ENV_FROM,
                container=name,
                where=f"{text(source.get('prefix'))}*",
                secret=text(ref.get("name")),
                optional=flag(ref.get("optional")),
            )


def _volumes(spec: Mapping[str, Any], containers: tuple[Mapping[str, Any], ...]) -> Iterator[Site]:
    for volume in items(spec.get("volumes")):
        parts = parts_of(volume)
        if not parts:
            continue
        name = text(volume.get("name"))
        sites = tuple(
            site
            for container in containers
            for mount in items(container.get("volumeMounts"))
            if text(mount.get("name")) == name
            for site in mounted(parts, text(container.get("name")), mount)
        )
        yield from sites or unmounted(parts, name)


def _pull_secrets(spec: Mapping[str, Any]) -> Iterator[Site]:
    for ref in items(spec.get("imagePullSecrets")):
        if text(ref.get("name")):
            yield Site(
                kind=SiteKind.IMAGE_PULL_SECRET,
                container="",
                where="imagePullSecrets",
                secret=text(ref.get("name")),
            )
