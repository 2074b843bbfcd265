"""Scopes and ExcessScopes: what the token may do, against what it must, may and must not do.

A scope can imply others; everything is compared closed over that. Source: RFC 6749 section 3.3
knows no hierarchy, so there is none but the provider's `implies`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tokencheck.api.tokencheck import Policy
from tokencheck.core.checks.capabilities import ROOT, check_unnamed, named_policies, unsaid
from tokencheck.core.checks.claims import agreed
from tokencheck.core.checks.permissions import check_excess, check_permissions
from tokencheck.core.checks.reading import (
    claims_of,
    told_of,
    unjudged,
    vouched,
    voucher_for,
)
from tokencheck.core.checks.words import by_policy, failed, listed, passed, skipped, unknown, warned
from tokencheck.model.evidence import TokenEvidence
from tokencheck.model.finding import Check, Finding
from tokencheck.model.reasons import Reason

Implies = Mapping[str, tuple[str, ...]]
# Names that mean "everything" wherever they are used; to have one, the spec must name it itself.
_EVERYTHING = frozenset({"*", "root", "admin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a token may do beside what the spec says; all sorted.

    Args:
        granted: closed over what it implies.
        missing: required and not in `granted`.
        forbidden: forbidden and in `granted`.
        excess: scopes as the token names them that allow more than was asked for; of what RBAC
            grants the most telling ones, these first.
        enough: the smallest part of the required scopes that implies all of them.
    """

    granted: tuple[str, ...]
    missing: tuple[str, ...]
    forbidden: tuple[str, ...]
    excess: tuple[str, ...]
    enough: tuple[str, ...]


def closure(scopes: Iterable[str], implies: Implies) -> frozenset[str]:
    """Return the scopes with all that they imply, at any depth, circles included."""
    reached: set[str] = set()
    open_ends = list(scopes)
    while open_ends:
        scope = open_ends.pop()
        if scope not in reached:
            reached.add(scope)
            open_ends.extend(implies.get(scope, ()))
    return frozenset(reached)


def smallest(scopes: Iterable[str], implies: Implies) -> tuple[str, ...]:
    """Return as few of the scopes as imply all of them; no one of these can be left out."""
    kept = sorted(set(scopes))
    for scope in tuple(kept):
        others = [other for other in kept if other != scope]
        if scope in closure(others, implies):
            kept = others
    return tuple(kept)


def rights_of(token: TokenEvidence) -> Rights | None:
    """Return what the token may do; None when it does not say."""
    if token.trust.by_permission:
        return _by_permission(token)
    claims = told_of(token)
    if claims is None or claims.scopes is None:
        return None
    wanted, implies = token.spec.scopes, token.trust.implies
    said = token.permissions.said if token.permissions else {}
    names = {one for one in closure(claims.scopes, implies) if not token.trust.asks_about(one)}
    granted = names | {scope for scope, may in said.items() if may}
    unknown = {scope for scope, may in said.items() if may is None}
    return Rights(
        granted=tuple(sorted(granted)),
        missing=tuple(sorted(set(wanted.required) - granted - unknown)),
        forbidden=tuple(sorted(set(wanted.forbidden) & granted)),
        excess=_excess(token, claims.scopes),
        enough=smallest(wanted.required, implies),
    )


def _by_permission(token: TokenEvidence) -> Rights | None:
    """What was asked about, and what RBAC grants beside where that could be read."""
    if token.permissions is None:
        return None
    said, wanted = token.permissions.said, token.spec.scopes
    excess = token.permissions.excess
    return Rights(
        granted=tuple(sorted(scope for scope, may in said.items() if may)),
        missing=tuple(sorted(scope for scope in wanted.required if said.get(scope) is False)),
        forbidden=tuple(sorted(scope for scope in wanted.forbidden if said.get(scope))),
        excess=excess.scopes if excess else (),
        enough=tuple(sorted(wanted.required)),
    )


def _excess(token: TokenEvidence, granted: tuple[str, ...]) -> tuple[str, ...]:
    """Only against what is wanted: a spec that only forbids says nothing about the rest.

    One that names no policy of Vault says nothing of them, but that ``root`` is too much.
    """
    wanted, implies = token.spec.scopes, token.trust.implies
    named = {*wanted.required, *wanted.allowed}
    if not named:
        return ()
    if token.trust.by_capability and not named_policies(token):
        return tuple(scope for scope in granted if scope == ROOT)
    may = closure(named, implies) - (_EVERYTHING - named)
    return tuple(sorted({scope for scope in granted if not closure((scope,), implies) <= may}))


def check_scopes(token: TokenEvidence, _policy: Policy, _now: datetime) -> tuple[Finding, ...]:
    """Return whether every required scope is granted and no forbidden one is."""
    if not token.spec.scopes.asked:
        return ()
    if token.trust.by_permission:
        return check_permissions(token)
    rights = rights_of(token)
    if rights is None and claims_of(token) is None:
        return unjudged(token, Check.SCOPES, asked=True, reason=Reason.SCOPE_UNKNOWN)
    if rights is None:
        detail = f"has none of the claims {listed(token.trust.scope_claims)}"
        action = "name the claim that holds the scopes in the TokenProvider's scopeClaims"
        return (unknown(token, Check.SCOPES, Reason.SCOPE_UNKNOWN, detail, action=action),)
    findings = []
    if rights.missing:
        where = "policies" if token.trust.by_capability else "scopes"
        detail, action = (
            f"lacks {listed(rights.missing)}",
            f"add {listed(rights.missing)} to its {where}",
        )
        findings.append(failed(token, Check.SCOPES, Reason.SCOPE_MISSING, detail, action=action))
    if rights.forbidden:
        detail = f"may do what the spec forbids: {listed(rights.forbidden)}"
        action = f"replace it by one without {listed(rights.forbidden)}"
        findings.append(failed(token, Check.SCOPES, Reason.SCOPE_FORBIDDEN, detail, action=action))
    if token.permissions is not None:
        findings += unsaid(token, token.permissions)
    return tuple(findings) or (agreed(token, Check.SCOPES, "has what the spec asks for"),)


def check_excess_scopes(
    token: TokenEvidence, policy: Policy, _now: datetime
) -> tuple[Finding, ...]:
    """Return whether the token may do more than required and allowed, and what would be enough."""
    wanted = token.spec.scopes
    if not wanted.required and not wanted.allowed:
        return ()
    if token.trust.by_permission:
        return check_excess(token, policy)
    rights = rights_of(token)
    if rights is None:
        # Scopes has said Unknown already; a warning that cannot be told is Skip.
        return unjudged(token, Check.EXCESS_SCOPES, reason=Reason.SCOPE_UNKNOWN)
    if rights.excess:
        detail = (
            f"may do more than it needs: {listed(rights.excess)}; {listed(rights.enough)} would do"
        )
        action = (
            f"replace it by one without {listed(rights.excess)}, or add what it needs to allowed"
        )
        found = warned(token, Check.EXCESS_SCOPES, Reason.SCOPE_EXCESS, detail, action=action)
        return (by_policy(policy.excess_scopes, found),)
    if token.trust.by_capability and not named_policies(token):
        return (check_unnamed(token, policy),)
    if vouched(token):
        return (passed(token, Check.EXCESS_SCOPES, "may do no more than asked for"),)
    detail = "may do no more than asked for, by its own word"
    action = voucher_for(token)
    return (skipped(token, Check.EXCESS_SCOPES, Reason.NOT_VERIFIABLE, detail, action=action),)
