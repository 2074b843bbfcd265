"""What a volume holds of tokens, and what of it each mount shows to its container."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tokencheck.core.workloads.untyped import at, flag, items, mapping, number, text
from tokencheck.model.workload import Site, SiteKind

_BY_SUB_PATH = {
    SiteKind.VOLUME: SiteKind.SUB_PATH,
    SiteKind.PROJECTED: SiteKind.PROJECTED_SUB_PATH,
}
_SECRETS_STORE = "secrets-store.csi.k8s.io"
# What the ServiceAccount admission plugin adds to every Pod that does not refuse it.
_AUTOMOUNT_PREFIX = "kube-api-access-"
_AUTOMOUNT_PATH = "token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One token-bearing piece of a volume.

    Args:
        path: its file in the volume; "" when it is a folder of files named by their keys.
    """

    kind: SiteKind
    path: str = ""
    secret: str = ""
    key: str | None = None
    optional: bool = False
    audience: str | None = None
    expiration_seconds: int | None = None


def parts_of(volume: Mapping[str, Any]) -> tuple[Part, ...]:
    """Return what the volume holds of tokens; empty for other volumes.

    A CSI volume counts when it is of the Secrets Store or names a Secret to publish with; its
    content is known to its driver alone.
    """
    secret = mapping(volume.get("secret"))
    if secret:
        return tuple(_keys(SiteKind.VOLUME, text(secret.get("secretName")), secret))
    if isinstance(volume.get("csi"), Mapping):
        return (Part(kind=SiteKind.CSI),) if _holds_secrets(mapping(volume["csi"])) else ()
    name = text(volume.get("name"))
    sources = items(at(volume, "projected", "sources"))
    return tuple(part for source in sources for part in _projected(name, source))


def mounted(parts: tuple[Part, ...], container: str, mount: Mapping[str, Any]) -> Iterator[Site]:
    """Yield the sites that one entry of volumeMounts makes of `parts`."""
    folder = text(mount.get("mountPath"))
    sub_path = text(mount.get("subPath")).removeprefix("./").strip("/")
    # An expression is known when the container starts: every part may be meant.
    expression = text(mount.get("subPathExpr"))
    whole = bool(expression) or sub_path in ("", ".")
    follows = not expression and not sub_path
    for part in parts:
        shown = part if whole else _under(part, sub_path)
        if shown is not None:
            kind = part.kind if follows else _BY_SUB_PATH.get(part.kind, part.kind)
            where = f"{folder.rstrip('/')}/{shown.path}" if shown.path else folder
            yield _site(shown, kind, container, where)


def unmounted(parts: tuple[Part, ...], volume: str) -> Iterator[Site]:
    """Yield the sites of a volume that no container shows; the kubelet needs its Secrets too."""
    for part in parts:
        yield _site(part, part.kind, "", volume)


def _site(part: Part, kind: SiteKind, container: str, where: str) -> Site:
    return Site(
        kind=kind,
        container=container,
        where=where,
        secret=part.secret,
        key=part.key,
        optional=part.optional,
        audience=part.audience,
        expiration_seconds=part.expiration_seconds,
    )


def _under(part: Part, sub_path: str) -> Part | None:
    """Return the part as a mount of `sub_path` shows it, or None when it shows nothing of it."""
    if part.kind is SiteKind.CSI:
        return part
    if part.path == sub_path:
        return replace(part, path="")
    if part.path.startswith(f"{sub_path}/"):
        return replace(part, path=part.path.removeprefix(f"{sub_path}/"))
    # Without items a file has the name of its key, and no key holds a slash.
    if part.secret and part.key is None and "/" not in sub_path:
        return replace(part, key=sub_path)
    return None


def _keys(kind: SiteKind, secret: str, source: Mapping[str, Any]) -> Iterator[Part]:
    if not secret:
        return
    optional, chosen = flag(source.get("optional")), items(source.get("items"))
    if not chosen:
        yield Part(kind=kind, secret=secret, optional=optional)
    for item in chosen:
        key, path = text(item.get("key")), text(item.get("path")).strip("/")
        if key:
            yield Part(kind=kind, path=path or key, secret=secret, key=key, optional=optional)


def _projected(volume: str, source: Mapping[str, Any]) -> Iterator[Part]:
    secret = mapping(source.get("secret"))
    yield from _keys(SiteKind.PROJECTED, text(secret.get("name")), secret)
    token = mapping(source.get("serviceAccountToken"))
    path, audience = text(token.get("path")), text(token.get("audience"))
    automounted = volume.startswith(_AUTOMOUNT_PREFIX) and path == _AUTOMOUNT_PATH and not audience
    if token and not automounted:
        yield Part(
            kind=SiteKind.SERVICE_ACCOUNT_TOKEN,
            path=path,
            audience=audience or None,
            expiration_seconds=number(token.get("expirationSeconds")),
        )


def _holds_secrets(csi: Mapping[str, Any]) -> bool:
    return (
        csi.get("driver") == _SECRETS_STORE
        or bool(text(at(csi, "nodePublishSecretRef", "name")))
        or bool(text(at(csi, "volumeAttributes", "secretProviderClass")))
    )
