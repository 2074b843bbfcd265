"""Which tokens a check is about: those it lists, and those its workload mounts besides."""

from collections.abc import Iterable
from dataclasses import dataclass

from tokencheck.api.tokencheck import SecretKeyRef, ServiceAccountToken, TokenCheck, TokenSpec
from tokencheck.model.workload import Site, SiteKind, Workload

_UNREADABLE = (SiteKind.CSI, SiteKind.INJECTED)
# A pull Secret is used for its one document. Source: Secret types dockerconfigjson and dockercfg.
_PULL_KEYS = (".dockerconfigjson", ".dockercfg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One Secret, or one key of it, in which tokens are to be found.

    Args:
        secret: its name, in the namespace of the check.
        key: None when the workload takes every key.
        sites: where, for any of its keys; `sites_of_key` narrows them down.
        listed_keys: keys that spec.tokens names as a whole: not to be found again.
        listed_fields: pairs of key and field that spec.tokens names; the rest of such a document is
            still to be found.
    """

    secret: str
    key: str | None
    sites: tuple[Site, ...]
    listed_keys: tuple[str, ...] = ()
    listed_fields: tuple[tuple[str, str], ...] = ()

    @property
    def optional(self) -> bool:
        """Return whether every container starts without it."""
        return all(site.optional for site in self.sites)

    def sites_of_key(self, key: str) -> tuple[Site, ...]:
        """Return the sites that take `key`."""
        return tuple(site for site in self.sites if _takes(site, self.secret, key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where to look.

    Args:
        listed: the tokens of the spec, in its order, each with the sites that take it.
        mounted: what is to be searched for more, by Secret and key; empty without discovery.
        service_account_tokens: projected tokens that no listed one is about.
        unreadable: sites whose token no Secret holds.
        secrets: names of all Secrets to read, sorted.
    """

    listed: tuple[tuple[TokenSpec, tuple[Site, ...]], ...] = ()
    mounted: tuple[Mount, ...] = ()
    service_account_tokens: tuple[Site, ...] = ()
    unreadable: tuple[Site, ...] = ()
    secrets: tuple[str, ...] = ()


def locate(
    check: TokenCheck, workload: Workload | None, only_in_pods: tuple[Site, ...] = ()
) -> Located:
    """Return where the tokens of `check` are; listing some never ends the search for others.

    Args:
        check: the check, with a valid spec.
        workload: None when the check names none or it could not be read.
        only_in_pods: sites that running Pods have and the template has not (`pods.injected`).
    """
    sites = (*workload.sites, *only_in_pods) if workload else ()
    tokens = check.spec.tokens
    listed = tuple((token, _sites_of(token, sites)) for token in tokens)
    found = sites if check.spec.discover else ()
    mounted = _mounts(found, tokens)
    audiences = {t.source.audience for t in tokens if isinstance(t.source, ServiceAccountToken)}
    names = {t.source.name for t in tokens if isinstance(t.source, SecretKeyRef)}
    return Located(
        listed=listed,
        mounted=mounted,
        service_account_tokens=tuple(
            site
            for site in found
            if site.kind is SiteKind.SERVICE_ACCOUNT_TOKEN and site.audience not in audiences
        ),
        unreadable=tuple(site for site in found if site.kind in _UNREADABLE),
        secrets=tuple(sorted(names | {mount.secret for mount in mounted})),
    )


def _sites_of(token: TokenSpec, sites: tuple[Site, ...]) -> tuple[Site, ...]:
    source = token.source
    if isinstance(source, ServiceAccountToken):
        return tuple(
            site
            for site in sites
            if site.kind is SiteKind.SERVICE_ACCOUNT_TOKEN and site.audience == source.audience
        )
    return tuple(site for site in sites if _takes(site, source.name, source.key))


def _takes(site: Site, secret: str, key: str) -> bool:
    if site.secret != secret:
        return False
    if site.kind is SiteKind.IMAGE_PULL_SECRET:
        return key in _PULL_KEYS
    return site.key in (None, key)


def _mounts(sites: Iterable[Site], tokens: tuple[TokenSpec, ...]) -> tuple[Mount, ...]:
    """Group by Secret and key; one that is taken whole is searched once, for all of its keys."""
    sites = tuple(site for site in sites if site.secret)
    whole = {site.secret for site in sites if site.key is None}
    groups: dict[tuple[str, str | None], list[Site]] = {}
    for site in sites:
        key = None if site.secret in whole else site.key
        groups.setdefault((site.secret, key), []).append(site)
    mounts = (_mount(secret, key, found, tokens) for (secret, key), found in groups.items())
    open_ = (mount for mount in mounts if mount.key is None or mount.key not in mount.listed_keys)
    return tuple(sorted(open_, key=lambda mount: (mount.secret, mount.key or "")))


def _mount(secret: str, key: str | None, sites: list[Site], tokens: tuple[TokenSpec, ...]) -> Mount:
    about = [
        (token.source.key, token.field)
        for token in tokens
        if isinstance(token.source, SecretKeyRef)
        and token.source.name == secret
        and key in (None, token.source.key)
    ]
    return Mount(
        secret=secret,
        key=key,
        sites=tuple(sites),
        listed_keys=tuple(name for name, field in about if field is None),
        listed_fields=tuple((name, field) for name, field in about if field is not None),
    )
