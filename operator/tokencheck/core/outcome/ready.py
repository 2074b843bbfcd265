"""Ready: the one condition that everybody reads."""

from tokencheck.api.tokencheck import GateMode, TokenCheck
from tokencheck.core.outcome.condition import Condition, State, Type, previous
from tokencheck.core.outcome.following import Following
from tokencheck.core.outcome.words import sentence
from tokencheck.model.assessment import Assessment
from tokencheck.model.evidence import Held
from tokencheck.model.finding import Finding, Result, Verdict
from tokencheck.model.reasons import Reason

_ONLY_TEST = "no token with use: Live was found, so nothing gates; list one, or remove use: Test"


def ready_of(check: TokenCheck, following: Following, assessment: Assessment) -> Condition:
    """Return Ready: the tokens, for what is being deployed now.

    Ready=True never stands while a rollout is open; a local failure does not wait for the rollout's
    end.
    """
    worst = assessment.findings[0] if assessment.findings else None
    if check.spec.gate.mode is not GateMode.ENFORCE:
        told = f"gate.mode is {check.spec.gate.mode}; the verdict is {assessment.verdict}"
        why = f": {worst.message}" if worst and _adverse(worst) else ""
        return _ready(State.TRUE, Reason.ADVISORY, told + why)
    if assessment.verdict is Verdict.INVALID and worst:
        return _ready(State.FALSE, worst.reason, _message(check, assessment, worst))
    if following.open:
        return _ready(
            State.UNKNOWN,
            Reason.ROLLOUT_IN_PROGRESS,
            following.rollout.detail or Reason.ROLLOUT_IN_PROGRESS.sentence,
        )
    if assessment.verdict is Verdict.UNKNOWN:
        if worst is None:
            return _ready(State.UNKNOWN, Reason.NO_TOKENS_FOUND, _ONLY_TEST)
        return _ready(State.UNKNOWN, worst.reason, _message(check, assessment, worst))
    if worst and worst.result is Result.WARN:
        return _ready(State.TRUE, Reason.PASSED_WITH_WARNINGS, _message(check, assessment, worst))
    return _ready(State.TRUE, Reason.ALL_CHECKS_PASSED, _passed(assessment))


def _ready(state: State, reason: Reason, message: str) -> Condition:
    return Condition(type=Type.READY, state=state, reason=reason, message=message)


def _adverse(finding: Finding) -> bool:
    return finding.result in (Result.FAIL, Result.UNKNOWN, Result.WARN)


def _message(check: TokenCheck, assessment: Assessment, worst: Finding) -> str:
    more = sum(_adverse(finding) for finding in assessment.findings) - 1
    text = sentence(worst.message, worst.action)
    if more <= 0:
        return text
    # The hint must survive the cut of the message, so the finding gives way.
    hint = f"kubectl tokencheck explain {check.name} -n {check.namespace}"
    return f"{text[:380]} (and {more} more: {hint})"


def _passed(assessment: Assessment) -> str:
    passed = sum(finding.result is Result.PASS for finding in assessment.findings)
    tokens = len(assessment.tokens)
    return f"{passed} checks passed on {tokens} token{'' if tokens == 1 else 's'}"


def same_cause(
    check: TokenCheck, following: Following, assessment: Assessment, ready: Condition
) -> bool:
    """Return whether the stored status already says this Ready=False for the same spec.

    Template and Secret.
    """
    stored = previous(check.status, Type.READY)
    rollout = check.status.get("rollout") or {}
    return (
        stored.get("status") == ready.state
        and stored.get("reason") == ready.reason
        and check.status.get("observedGeneration") == check.generation
        and rollout.get("templateHash", "") == following.rollout.template_hash
        and _stored_version(check, assessment) == _version(assessment)
    )


def _worst_token(assessment: Assessment) -> str:
    return assessment.findings[0].token if assessment.findings else ""


def _version(assessment: Assessment) -> str | None:
    for token in assessment.tokens:
        if token.evidence.spec.name == _worst_token(assessment) and isinstance(
            token.evidence.holding, Held
        ):
            return token.evidence.holding.secret.resource_version
    return None


def _stored_version(check: TokenCheck, assessment: Assessment) -> str | None:
    for token in check.status.get("tokens") or ():
        if token.get("name") == _worst_token(assessment):
            version = token.get("resourceVersion")
            return str(version) if version is not None else None
    return None
