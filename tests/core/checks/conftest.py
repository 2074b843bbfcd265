"""Rows of the tables -> evidence. A row states what differs from a good, verified token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import Spec
from tokencheck.model.activity import Activity, ActivityState, Answer
from tokencheck.model.evidence import (
    Absent,
    Baseline,
    Denied,
    Evidence,
    Excess,
    Failed,
    Held,
    Permissions,
    Projected,
    SecretMeta,
    StalePods,
    TokenEvidence,
    Unreachable,
)
from tokencheck.model.facts import (
    Claims,
    Facts,
    Family,
    Header,
    Problem,
    Signature,
    SignatureState,
)
from tokencheck.model.rbac import Unseen
from tokencheck.model.reasons import Reason
from tokencheck.model.trust import Trust, TrustState
from tokencheck.model.workload import Site, SiteKind

Row = Mapping[str, Any]

SOURCE = {"name": "payments", "secretKeyRef": {"name": "payments-api", "key": "token"}}
CLAIMS = {
    "issuer": "https://login.example.com",
    "subject": "canary-subject",
    "audiences": ["payments-api"],
    "issued_at": datetime(2026, 11, 1, tzinfo=UTC),
    "expires_at": datetime(2027, 1, 30, tzinfo=UTC),
}
ANSWERED = datetime(2026, 11, 24, 11, 48, tzinfo=UTC)
CHANGED = datetime(2026, 11, 2, tzinfo=UTC)
ROW_KEYS = frozenset(
    [
        "says",
        "now",
        "token",
        "tokens",
        "policy",
        "searched",
        "unreadable",
        "unsearched",
        "workload",
        "finds",
        "passes",
        "silent",
        "message",
        "action",
        "verdict",
        "wakes",
        "token_is",
        "test_finds",
    ]
)
TOKEN_KEYS = frozenset(
    [
        "spec",
        "listed",
        "source",
        "holding",
        "sites",
        "stale",
        "baseline",
        "accepted",
        "opaque",
        "kind",
        "digits",
        "terms",
        "problems",
        "claims",
        "header",
        "signature",
        "detail",
        "weakKey",
        "secret",
        "trust",
        "activity",
        "permissions",
        "excess",
        "at_least",
        "as_of",
        "unseen",
        "allowed",
        "why",
        "mend",
    ]
)


@pytest.fixture(scope="session")
def evidence_of() -> Callable[[Row], Evidence]:
    """What makes the evidence that a row describes."""
    return _evidence


def _evidence(row: Row) -> Evidence:
    tokens = row["tokens"] if "tokens" in row else [row.get("token", {})]
    misspelt = (set(row) - ROW_KEYS).union(*(set(token) - TOKEN_KEYS for token in tokens))
    assert not misspelt, misspelt
    spec = _spec(tokens, row)
    return Evidence(
        namespace="shop",
        policy=spec.policy,
        tokens=tuple(_token(token, spec, place) for place, token in enumerate(tokens)),
        unreadable=tuple(map(_site, row.get("unreadable", ()))),
        unsearched=tuple(row.get("unsearched", ())),
        searched=tuple(row["searched"]) if "searched" in row else None,
        workload=_unread(row["workload"]) if "workload" in row else None,
    )


def _spec(tokens: list[Row], row: Row) -> Spec:
    """Return the spec as the API gives it: a row that the parser refuses tests nothing."""
    specs = [{**SOURCE, **token.get("spec", {})} for token in tokens]
    for spec in specs:
        if "serviceAccountToken" in spec:
            del spec["secretKeyRef"]
    workload = {"kind": "Deployment", "name": "checkout"}
    values = {"workloadRef": workload, "tokens": specs, "policy": row.get("policy", {})}
    check = parse_tokencheck({"spec": values})
    assert not check.invalid, check.invalid
    return check.spec


def _token(row: Row, spec: Spec, place: int) -> TokenEvidence:
    said = replace(spec.tokens[place], listed=row.get("listed", True))
    return TokenEvidence(
        spec=said,
        source=row.get("source", 'Secret shop/payments-api key "token"'),
        holding=_holding(row),
        trust=_trust(row),
        activity=_activity(row["activity"]) if "activity" in row else None,
        permissions=_permissions(row) if "permissions" in row else None,
        sites=tuple(map(_site, row.get("sites", ()))),
        stale=StalePods(**_tuples(row.get("stale", {}))),
        baseline=Baseline(**_tuples(row["baseline"])) if "baseline" in row else None,
        drift_accepted=row.get("accepted", False),
    )


def _holding(row: Row) -> Any:
    holding = row.get("holding", "held")
    if holding == "held":
        return Held(facts=_facts(row), secret=_secret(row))
    if "projected" in holding:
        return Projected(sites=tuple(map(_site, holding["projected"])))
    if "unreachable" in holding:
        return Unreachable(site=_site(holding["unreachable"]))
    return _unread(holding)


def _unread(row: Row) -> Absent | Denied | Failed:
    ((how, what),) = row.items()
    return {
        "absent": Absent(what=what),
        "keyAbsent": Absent(what=what, key_only=True),
        "denied": Denied(what=what),
        "failed": Failed(what=what),
    }[how]


def _facts(row: Row) -> Facts:
    opaque = "opaque" in row
    problems = tuple(
        Problem(**{**problem, "reason": Reason(problem["reason"])})
        for problem in row.get("problems", ())
    )
    if opaque or any(problem.fatal for problem in problems):
        family = Family(row.get("opaque", "Opaque"))
        kind, digits = row.get("kind", family.value), row.get("digits", 0)
        terms = Claims(**_tuples(row["terms"])) if "terms" in row else None
        return Facts(kind=kind, family=family, problems=problems, digits=digits, terms=terms)
    claims = {**CLAIMS, **row.get("claims", {})}
    return Facts(
        kind="JWT",
        family=Family.JWT,
        problems=problems,
        header=Header(**{"algorithm": "RS256", "type": "at+jwt", **_tuples(row.get("header", {}))}),
        claims=Claims(**_tuples({k: v for k, v in claims.items() if v is not None})),
        signature=Signature(
            state=SignatureState(row.get("signature", "Verified")),
            detail=row.get("detail", ""),
            weak_key=row.get("weakKey", False),
        ),
    )


def _secret(row: Row) -> SecretMeta:
    secret = row.get("secret", {})
    return SecretMeta(
        namespace="shop",
        name="payments-api",
        uid="u-1",
        resource_version="1",
        created_at=CHANGED,
        changed_at=secret.get("changed", CHANGED),
        annotations=MappingProxyType(dict(secret.get("annotations", {}))),
    )


def _trust(row: Row) -> Trust:
    trust = dict(row.get("trust", {}))
    implies = {k: tuple(v) for k, v in trust.pop("implies", {}).items()}
    state = TrustState(trust.pop("state", "Usable"))
    return Trust(state=state, implies=MappingProxyType(implies), **_tuples(trust))


def _activity(row: Row) -> Activity:
    """Without `active` there was no answer yet; `reason` is why there is none now."""
    of_answer = ("active", "revoked", "why", "stranger")
    said = {k: v for k, v in row.items() if k not in (*of_answer, "reason", "detail", "sent")}
    answer = None
    if "active" in row:
        told = {k: v for k, v in row.items() if k in of_answer}
        answer = Answer(**told, claims=Claims(**_tuples(said)))
    state = ActivityState.PENDING if answer is None else ActivityState.KNOWN
    if "reason" in row:
        state = ActivityState.FAULTED
    return Activity(
        provider="login",
        state=state if row.get("sent", True) else ActivityState.NOT_SENT,
        reason=Reason(row["reason"]) if "reason" in row else None,
        detail=row.get("detail", ""),
        answer=answer,
        answered_at=ANSWERED if answer else None,
    )


def _permissions(row: Row) -> Permissions:
    """Scope -> true, false, null, or why nobody was asked: a text of these; `excess` beside.

    `allowed` are formless ones that are allowed, `why` and `mend` about what is null.
    """
    told = row["permissions"]
    said = {scope: None if isinstance(may, str) else may for scope, may in told.items()}
    formless, unlisted, misplaced = (
        tuple(scope for scope, may in told.items() if may == word)
        for word in ("formless", "unlisted", "misplaced")
    )
    scopes = tuple(row.get("excess", ()))
    more = {"at_least": row.get("at_least", False), "as_of": row.get("as_of")}
    excess = Excess(scopes=scopes, count=len(scopes), **more) if "excess" in row else None
    return Permissions(
        said=said,
        formless=(*formless, *row.get("allowed", ())),
        unlisted=unlisted,
        misplaced=misplaced,
        excess=excess,
        unseen=Unseen(row["unseen"]) if "unseen" in row else None,
        why=row.get("why", ""),
        action=row.get("mend", ""),
    )


def _site(row: Row) -> Site:
    return Site(**{**row, "kind": SiteKind(row["kind"])})


def _tuples(values: Row) -> dict[str, Any]:
    """Return the values with lists as the tuples that our values hold."""
    return {
        name: tuple(tuple(v) if isinstance(v, list) else v for v in value)
        if isinstance(value, list)
        else value
        for name, value in values.items()
    }
