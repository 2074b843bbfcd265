"""Our own kinds as they were handed in: nothing here watches or reads."""

from collections import Counter
from dataclasses import replace

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.clients.kube.decode import version_of
from tokencheck.clients.kube.resting import at_rest
from tokencheck.model.keys import Key


class Shelf:
    """The TokenChecks and TokenProviders that this process holds; `model.ports.Shelf` of them."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._checks: dict[Key, TokenCheck] = {}
        self._checks_in: Counter[str] = Counter()  # of namespaces that have some
        self._providers: dict[str, TokenProvider] = {}

    def check(self, key: Key) -> TokenCheck | None:
        """Return the TokenCheck as last seen, or None when it is gone."""
        kept = self._checks.get(key)
        return at_rest(kept) if kept is not None else None

    def put_check(self, check: TokenCheck) -> None:
        """Replace what is known of a check, unless a newer version of it is known."""
        key = Key("TokenCheck", check.namespace, check.name)
        known = self._checks.get(key)
        version = version_of(check.resource_version)
        if known is None or known.uid != check.uid or version >= version_of(known.resource_version):
            self._checks[key] = at_rest(check)
            self._checks_in[key.namespace] += known is None

    def put_written(self, check: TokenCheck) -> None:
        """Take version and status of a check whose status was just written, unless it is gone."""
        known = self._checks.get(Key("TokenCheck", check.namespace, check.name))
        if known is not None and known.uid == check.uid:
            version, status = check.resource_version, check.status
            self.put_check(replace(known, resource_version=version, status=status))

    def drop_check(self, key: Key) -> None:
        """Know nothing of a check any more; its references stay until `unfollow`."""
        if self._checks.pop(key, None) is not None:
            self._checks_in[key.namespace] -= 1
            if not self._checks_in[key.namespace]:
                del self._checks_in[key.namespace]

    def provider(self, name: str) -> TokenProvider | None:
        """Return the TokenProvider as last seen, or None."""
        return self._providers.get(name)

    def matching(self, kind: str) -> tuple[TokenProvider, ...]:
        """Return the TokenProviders that match tokens of this kind, by name."""
        found = (one for one in self._providers.values() if kind in one.match)
        return tuple(sorted(found, key=lambda one: one.name))

    def issuing(self, issuer: str | None = None) -> tuple[TokenProvider, ...]:
        """Return the TokenProviders that match JWTs of this issuer (None: of any), by name."""
        wanted = (one for one in self._providers.values() if one.match_issuer and one.jwt)
        found = (one for one in wanted if issuer in (None, one.jwt and one.jwt.issuer))
        return tuple(sorted(found, key=lambda one: one.name))

    def put_provider(self, provider: TokenProvider) -> None:
        """Replace what is known of a provider."""
        self._providers[provider.name] = provider

    def drop_provider(self, name: str) -> None:
        """Know nothing of a provider any more."""
        self._providers.pop(name, None)

    def namespaces(self) -> set[str]:
        """Return those with a TokenCheck that is held."""
        return set(self._checks_in)

    def versions(self, kind: str) -> dict[Key, str]:
        """Return the resourceVersions of our own objects of a kind that are held."""
        if kind == "TokenCheck":
            return {key: check.resource_version for key, check in self._checks.items()}
        return {
            Key("TokenProvider", "", name): provider.resource_version
            for name, provider in self._providers.items()
        }
