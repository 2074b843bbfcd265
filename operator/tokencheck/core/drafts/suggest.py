"""The TokenCheck that `init` writes: what a workload mounts, and what its tokens say today.

An expectation that nobody can verify would make the check Unknown, so issuer, audiences and scopes
stand as comments until a TokenProvider is there; everything else applies as it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from tokencheck.api.quantity import format_time
from tokencheck.api.tokencheck import SecretKeyRef, ServiceAccountToken
from tokencheck.core.drafts.grants import grants
from tokencheck.core.drafts.yaml import comment, flow, name_of, scalar
from tokencheck.model.assessment import Assessment, TokenAssessment
from tokencheck.model.evidence import Absent, Denied, Failed, Held, Projected, TokenEvidence
from tokencheck.model.facts import Claims
from tokencheck.model.finding import Result
from tokencheck.model.workload import Site, Workload

_MAX_TOKENS = 8  # Source: the schema of spec.tokens
_MAX_SCOPES = 32
_MAX_AUDIENCES = 16
_TOLD = (Result.FAIL, Result.UNKNOWN, Result.WARN)
_MIN_EXPIRATION_S = 600
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def suggestion_of(
    workload: Workload, assessment: Assessment, providers: Mapping[str, str], now: datetime
) -> str:
    """Return a TokenCheck for `workload` as YAML that applies as it stands.

    Args:
        workload: that was read.
        assessment: of every token that it mounts, by nothing but defaults.
        providers: issuer -> name of a TokenProvider that allows the namespace.
        now: when the tokens were read.
    """
    tokens = sorted(assessment.tokens, key=_worth)
    listed = [token for token in tokens if _listable(token.evidence)][:_MAX_TOKENS]
    others = [token for token in tokens if token not in listed]
    lines = [
        comment(
            f"TokenCheck for {workload.kind} {workload.namespace}/{workload.name}, from the"
            f" {_count(len(tokens))} found at {format_time(now)}."
        ),
        *grants(workload, tokens, providers),
        "apiVersion: tokencheck.dev/v1alpha1",
        "kind: TokenCheck",
        "metadata:",
        f"  name: {scalar(name_of(workload.name, ()))}",
        f"  namespace: {scalar(workload.namespace)}",
        "spec:",
        *_reference(workload),
        *_tokens(listed, providers),
        *_others(others, assessment),
    ]
    return "\n".join(lines) + "\n"


def _count(number: int) -> str:
    return f"{number} token{'' if number == 1 else 's'}"


def _worth(token: TokenAssessment) -> int:
    """Of more than eight, those with claims come first: of these the most can be expected."""
    return 0 if _claims_of(token.evidence) is not None else 1


def _listable(evidence: TokenEvidence) -> bool:
    source = evidence.spec.source
    if isinstance(source, ServiceAccountToken):
        return bool(source.audience)
    return source.key != "*"  # a Secret that was not read: its keys are not known


def _reference(workload: Workload) -> Iterator[str]:
    yield "  workloadRef:"
    yield f"    apiVersion: {scalar(workload.api_version)}"
    yield f"    kind: {scalar(workload.kind)}"
    yield f"    name: {scalar(workload.name)}"


def _tokens(tokens: list[TokenAssessment], providers: Mapping[str, str]) -> Iterator[str]:
    if not tokens:
        return
    yield "  tokens:"
    names: list[str] = []
    for token in tokens:
        source = token.evidence.spec.source
        if isinstance(source, SecretKeyRef):
            names.append(name_of(f"{source.name}-{source.key}", names))
        else:
            names.append(name_of(f"serviceaccount-{source.audience}", names))
        yield from _token(names[-1], token, providers)


def _token(name: str, token: TokenAssessment, providers: Mapping[str, str]) -> Iterator[str]:
    evidence = token.evidence
    yield from (f"  {line}" for line in _found(token))
    yield f"  - name: {scalar(name)}"
    source = evidence.spec.source
    if isinstance(source, ServiceAccountToken):
        yield from _projected(source, evidence.sites)
        return
    yield f"    secretKeyRef: {{name: {scalar(source.name)}, key: {scalar(source.key)}}}"
    if evidence.spec.field:
        yield f"    field: {scalar(evidence.spec.field)}"
    claims = _claims_of(evidence)
    if claims is None:
        if isinstance(evidence.holding, Held) and token.expires_at is None:
            yield "    # Its end cannot be read. If you know it, say it:"
            yield '    # expiry: {expiresAt: "2027-01-31T00:00:00Z"}'
        return
    provider = providers.get(claims.issuer or "")
    if provider:
        yield f"    providerRef: {{name: {scalar(provider)}}}"
    mark = "" if provider else "# "
    yield from (f"    {mark}{line}" for line in _expectations(claims, token.granted))


def _expectations(claims: Claims, granted: tuple[str, ...] | None) -> Iterator[str]:
    if claims.issuer:
        yield f"issuer: {scalar(claims.issuer)}"
    if claims.audiences:
        yield f"audiences: {flow(claims.audiences[:_MAX_AUDIENCES])}"
    if granted:
        yield f"scopes: {{required: {flow(granted[:_MAX_SCOPES])}}}"


def _projected(source: ServiceAccountToken, sites: tuple[Site, ...]) -> Iterator[str]:
    asked = max((site.expiration_seconds or 0 for site in sites), default=0)
    longest = f", maxExpiration: {_duration(asked)}" if asked >= _MIN_EXPIRATION_S else ""
    yield f"    serviceAccountToken: {{audience: {scalar(source.audience)}{longest}}}"


def _duration(seconds: int) -> str:
    text = ""
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        text += f"{count}{unit}" if count else ""
    return text


def _found(token: TokenAssessment) -> Iterator[str]:
    """What the token is, where the workload takes it, and what is wrong with it now."""
    evidence = token.evidence
    kind = _kind_of(evidence)
    end = f", ends at {format_time(token.expires_at)}" if token.expires_at else ""
    sites = ", ".join(dict.fromkeys(f"{site.kind} {site.where}" for site in evidence.sites))
    yield comment(f"{evidence.source}: {kind}{end}; taken by {sites or 'nobody'}")
    for finding in token.findings:
        # Why a token was not read is said once, in the words of who ran the command.
        if finding.result in _TOLD and not isinstance(evidence.holding, Denied | Failed):
            yield comment(f"  {finding.result} {finding.reason}: {finding.message}")


def _kind_of(evidence: TokenEvidence) -> str:
    match evidence.holding:
        case Held(facts=facts):
            return facts.kind
        case Projected():
            return "made and renewed by Kubernetes"
        case Absent():
            return "does not exist yet"
        case _:
            return "not read"


def _others(others: Iterable[TokenAssessment], assessment: Assessment) -> Iterator[str]:
    for token in others:
        yield comment(f"Also checked, by discovery: {token.evidence.source}")
    for finding in assessment.findings:
        if not finding.token:
            yield comment(f"{finding.result} {finding.reason}: {finding.message}")


def _claims_of(evidence: TokenEvidence) -> Claims | None:
    holding = evidence.holding
    return holding.facts.claims if isinstance(holding, Held) and holding.facts.readable else None
