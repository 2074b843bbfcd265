"""Assessment -> rows: one for each token of a workload, and for each site that nobody can read."""

from collections.abc import Iterator

from tokencheck.api.tokencheck import ANNOTATION_OWNER, SecretKeyRef, TokenCheck
from tokencheck.core.audit.words import worded
from tokencheck.model.assessment import Assessment, TokenAssessment
from tokencheck.model.census import Hardcoded, Unsearched
from tokencheck.model.evidence import Held, Projected, TokenEvidence, Unreachable
from tokencheck.model.facts import Claims
from tokencheck.model.finding import Check, Finding, Result, Verdict, verdict_of
from tokencheck.model.reasons import Reason
from tokencheck.model.report import WORST_FIRST, Row, worst_of
from tokencheck.model.workload import Site

_SHOWN = (Result.FAIL, Result.UNKNOWN, Result.WARN)
_PLACE = {check: place for place, check in enumerate(Check)}
# Passed by every text that is there, whatever it is good for.
_SAYS_NOTHING = frozenset({Check.PRESENT, Check.WELL_FORMED, Check.STALE_IN_PODS, Check.DRIFT})
_PROJECTED = "ServiceAccountToken"
_ROTATE = (
    "put it into a Secret, take it from there with valueFrom.secretKeyRef, and revoke this one:"
    " manifests are copied and kept"
)


def rows_of(
    check: TokenCheck, workload: str, assessment: Assessment, *, files: bool = False
) -> tuple[Row, ...]:
    """Return the rows of one assessment.

    Args:
        check: a written or an implicit one (whose name is "").
        workload: ``Deployment/checkout``; "" for a Secret that nobody mounts.
        assessment: of its tokens.
        files: whether manifests are audited, not a cluster.
    """
    rows = [_row(check, workload, token, files=files) for token in assessment.tokens]
    rows += (_of_check(check, workload, f) for f in _without_token(check, assessment))
    return tuple(rows)


def hardcoded_row(namespace: str, holder: str, literal: Hardcoded) -> Row:
    """Return the row of a token that stands in a manifest: always a Fail, whatever else is true.

    Args:
        namespace: of its holder.
        holder: ``Deployment/checkout``, ``ConfigMap/settings``.
        literal: the token.
    """
    finding = Finding(
        token=literal.where,
        check=Check.PRESENT,
        result=Result.FAIL,
        reason=Reason.INSECURE_SOURCE,
        message=f"{literal.where}: the token stands in the manifest, where everybody may read it",
        action=_ROTATE,
    )
    return Row(
        namespace=namespace,
        workload=holder,
        token=literal.where,
        key=literal.name,
        kind=literal.kind,
        verdict=Verdict.INVALID,
        result=finding.result,
        reason=finding.reason,
        message=finding.message,
        action=finding.action,
        expires_at=literal.expires_at,
        sites=(literal.where,),
        findings=(finding,),
    )


def unsearched_row(namespace: str, holder: str, value: Unsearched) -> Row:
    """Return the row of a value that was not searched: it may hold a token."""
    finding = Finding(
        token=value.where,
        check=Check.PRESENT,
        result=Result.SKIP,
        reason=Reason.NOT_VERIFIABLE,
        message=f"{value.where}: not searched, it is too large a YAML document",
        action="look into it, or split it: a search reads at most 128 KiB of YAML",
    )
    return Row(
        namespace=namespace,
        workload=holder,
        token=value.where,
        verdict=Verdict.UNKNOWN,
        result=finding.result,
        reason=finding.reason,
        message=finding.message,
        action=finding.action,
        findings=(finding,),
    )


def _row(check: TokenCheck, workload: str, token: TokenAssessment, *, files: bool) -> Row:
    evidence = token.evidence
    findings = tuple(
        worded(f, evidence, files=files) for f in token.findings if _told(f.check, evidence)
    )
    shown = tuple(sorted((f for f in findings if _is_shown(f)), key=_order))
    result = _result_of(findings)
    worst = shown[0] if shown else next((f for f in findings if f.result is result), None)
    secret, key = _place_of(evidence)
    claims = _claims_of(evidence)
    return Row(
        namespace=check.namespace,
        workload=workload,
        check=check.name,
        token=evidence.spec.name,
        secret=secret,
        key=key,
        kind=_kind_of(evidence),
        verdict=verdict_of(findings),
        result=result,
        reason=_reason_of(result, worst, findings),
        message=worst.message if worst and shown else "",
        action=worst.action if worst and shown else "",
        expires_at=token.expires_at,
        owner=_owner_of(evidence),
        sites=tuple(dict.fromkeys(_site(site) for site in evidence.sites)) if workload else (),
        issuer=claims.issuer,
        audiences=claims.audiences,
        scopes=token.granted,
        findings=shown,
        passed=tuple(f.check for f in findings if f.result is Result.PASS),
        skipped=tuple(f.check for f in findings if f.result is Result.SKIP and not _is_shown(f)),
    )


def _is_shown(finding: Finding) -> bool:
    """A check that was skipped is worth a line when there is something to do about it."""
    undone = finding.result is Result.SKIP and finding.reason is not Reason.IGNORED
    return finding.result in _SHOWN or (undone and bool(finding.action))


def _told(check: Check, evidence: TokenEvidence) -> bool:
    """What needs a memory, or Pods, passes without them: here that check never ran."""
    if check is Check.DRIFT:
        return evidence.baseline is not None
    return check is not Check.STALE_IN_PODS or evidence.stale.applies


def _result_of(findings: tuple[Finding, ...]) -> Result:
    """A text that says nothing of itself is there, and that is all: no pass."""
    result = worst_of(f.result for f in findings)
    judged = {f.check for f in findings if f.result is Result.PASS} - _SAYS_NOTHING
    return Result.SKIP if result is Result.PASS and not judged else result


def _order(finding: Finding) -> tuple[int, int]:
    return WORST_FIRST.index(finding.result), _PLACE[finding.check]


def _reason_of(result: Result, worst: Finding | None, findings: tuple[Finding, ...]) -> Reason:
    if worst is None:
        return Reason.PENDING
    if result is not Result.PASS:
        return worst.reason
    vouched = any(f.check is Check.SIGNATURE and f.result is Result.PASS for f in findings)
    unvouched = not vouched and any(f.check is Check.SIGNATURE for f in findings)
    return Reason.LOCAL_CHECKS_ONLY if unvouched else Reason.ALL_CHECKS_PASSED


def _without_token(check: TokenCheck, assessment: Assessment) -> Iterator[Finding]:
    """That a workload mounts no token is a fault only where somebody said that it should."""
    for finding in assessment.findings:
        if not finding.token and (check.name or finding.reason is not Reason.NO_TOKENS_FOUND):
            yield worded(finding, None)


def _of_check(check: TokenCheck, workload: str, finding: Finding) -> Row:
    silent = not _is_shown(finding)
    return Row(
        namespace=check.namespace,
        workload=workload,
        check=check.name,
        token="",
        verdict=verdict_of((finding,)),
        result=finding.result,
        reason=finding.reason,
        message=finding.message,
        action=finding.action,
        findings=() if silent else (finding,),
        skipped=(finding.check,) if silent else (),
    )


def _place_of(evidence: TokenEvidence) -> tuple[str, str]:
    source = evidence.spec.source
    if not isinstance(source, SecretKeyRef):
        return "", ""
    field = f":{evidence.spec.field}" if evidence.spec.field else ""
    return source.name, f"{source.key}{field}"


def _kind_of(evidence: TokenEvidence) -> str:
    match evidence.holding:
        case Held(facts=facts):
            return facts.kind
        case Projected():
            return _PROJECTED
        case Unreachable(site=site):
            return str(site.kind)
        case _:
            return ""


def _claims_of(evidence: TokenEvidence) -> Claims:
    holding = evidence.holding
    claims = holding.facts.claims if isinstance(holding, Held) and holding.facts.readable else None
    return claims or Claims()


def _owner_of(evidence: TokenEvidence) -> str:
    holding = evidence.holding
    return holding.secret.annotations.get(ANNOTATION_OWNER, "") if isinstance(holding, Held) else ""


def _site(site: Site) -> str:
    container = f" of {site.container}" if site.container else ""
    return f"{site.kind} {site.where}{container}"
