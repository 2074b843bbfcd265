"""The scopes that a token's claims grant."""

from collections.abc import Iterable, Mapping

from tokencheck.api.path import MISSING, parse_path, walk


def granted(payload: Mapping[str, object], scope_claims: Iterable[str]) -> tuple[str, ...] | None:
    """Return the granted scopes, sorted and each once; None when they cannot be learnt.

    That is: no claim of these names is there, or one has a form that is neither text nor a list of
    texts. A claim that is there and empty grants nothing, which is known.

    Args:
        payload: the claims.
        scope_claims: names (``scp``, also with dots: ``https://example.com/roles``) or paths
            (``realm_access.roles``).

    Source: RFC 6749 section 3.3 (scopes are separated by spaces, their order means nothing); RFC
    9068 section 2.2.3.
    """
    found: set[str] = set()
    seen = False
    for claim in scope_claims:
        value = _claim(payload, claim)
        if value is MISSING:
            continue
        scopes = _scopes_of(value)
        if scopes is None:
            return None
        seen = True
        found.update(scopes)
    return tuple(sorted(found)) if seen else None


def _claim(payload: Mapping[str, object], claim: str) -> object:
    if claim in payload:
        return payload[claim]
    path = parse_path(claim)
    return walk(dict(payload), path) if path else MISSING


def _scopes_of(value: object) -> list[str] | None:
    if isinstance(value, str):
        # "repo, user" is how some issuers join. A comma inside a scope belongs to it (group lists
        # of JFrog).
        return [scope.rstrip(",") for scope in value.split()]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [item for item in value if item]
    return None
