"""Builders for the tests of core.outcome: a check that lives through passes, findings, rollouts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import SecretKeyRef, TokenCheck, TokenSpec
from tokencheck.core.outcome.bypass import Bypass, bypass_of
from tokencheck.core.outcome.linter import faults_of
from tokencheck.core.outcome.patch import merge_patch
from tokencheck.core.outcome.plan import Kept, plan, plan_between, plan_opening
from tokencheck.core.outcome.stopped import plan_invalid, plan_revoked, plan_suspended
from tokencheck.model.admission import BypassProof
from tokencheck.model.assessment import Assessment, TokenAssessment
from tokencheck.model.evidence import Baseline, Held, SecretMeta, TokenEvidence
from tokencheck.model.facts import Facts, Family
from tokencheck.model.finding import Check, Finding, Result, verdict_of
from tokencheck.model.outcome import Outcome
from tokencheck.model.reasons import Reason
from tokencheck.model.workload import Rollout, RolloutState

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NO_WORKLOAD = Rollout(state=RolloutState.NONE)
ORDER = [Result.FAIL, Result.UNKNOWN, Result.WARN, Result.SKIP, Result.PASS]


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def finding(
    check: Check, result: Result, reason: Reason = Reason.VALID, token: str = "api"
) -> Finding:
    message = f'Secret shop/api key "token": {reason.sentence}'
    return Finding(
        token=token, check=check, result=result, reason=reason, message=message, action="rotate it"
    )


def passing() -> tuple[Finding, ...]:
    return tuple(
        finding(check, Result.PASS) for check in (Check.PRESENT, Check.SIGNATURE, Check.EXPIRY)
    )


def failing(reason: Reason, check: Check = Check.EXPIRY) -> tuple[Finding, ...]:
    return (finding(check, Result.FAIL, reason), finding(Check.PRESENT, Result.PASS))


def assessed(
    *findings: Finding,
    test: tuple[Finding, ...] = (),
    version: str = "1",
    wake_at: datetime | None = None,
    changed_at: datetime = START,
    created_at: datetime = START - timedelta(days=1),
) -> Assessment:
    ordered = tuple(sorted(findings, key=lambda f: ORDER.index(f.result)))
    names = dict.fromkeys(f.token for f in ordered if f.token)
    tokens = tuple(_token(name, ordered, version, (created_at, changed_at)) for name in names)
    return Assessment(
        tokens=tokens,
        findings=ordered,
        test_findings=test,
        verdict=verdict_of(ordered),
        wake_at=wake_at,
    )


def _token(
    name: str, findings: tuple[Finding, ...], version: str, times: tuple[datetime, datetime]
) -> TokenAssessment:
    own = tuple(f for f in findings if f.token == name)
    meta = SecretMeta(
        namespace="shop",
        name="api",
        uid="secret-uid",
        resource_version=version,
        created_at=times[0],
        changed_at=times[1],
        witnessed=True,
    )
    evidence = TokenEvidence(
        spec=TokenSpec(name=name, source=SecretKeyRef(name="api", key="token")),
        source='Secret shop/api key "token"',
        holding=Held(facts=Facts(kind="JWT", family=Family.JWT), secret=meta),
    )
    return TokenAssessment(evidence=evidence, findings=own, verdict=verdict_of(own))


def rollout(
    state: RolloutState, *, template: str = "t1", generation: int = 1, uid: str = "w1"
) -> Rollout:
    return Rollout(
        state=state,
        detail=f"the rollout is {state}",
        kind="Deployment",
        name="checkout",
        uid=uid,
        generation=generation,
        template_hash=template,
    )


class Life:
    """One TokenCheck through its passes; every status that it is given is linted."""

    def __init__(self, **spec: object) -> None:
        full = {"tokens": [{"name": "api", "secretKeyRef": {"name": "api", "key": "token"}}]} | spec
        self.check: TokenCheck = parse_tokencheck(
            {
                "metadata": {"namespace": "shop", "name": "checkout", "uid": "u1", "generation": 1},
                "spec": full,
                "status": {
                    "observedGeneration": -1,
                    "conditions": [
                        {
                            "type": "Ready",
                            "status": "Unknown",
                            "reason": "Pending",
                            "message": "Not checked yet",
                            "lastTransitionTime": "1970-01-01T00:00:00Z",
                        }
                    ],
                },
            }
        )
        self.now = START
        self.outcome: Outcome | None = None
        self.proof = BypassProof.PROVEN

    @property
    def bypass(self) -> Bypass | None:
        return bypass_of(self.check, self.proof, self.now)

    def annotate(self, **notes: str) -> "Life":
        """Have these tokencheck.dev/bypass-* on it, and no others."""
        annotations = {f"tokencheck.dev/bypass-{part}": text for part, text in notes.items()}
        self.check = replace(self.check, annotations=annotations)
        return self

    def between(self) -> Outcome | None:
        outcome = plan_between(self.check, self.bypass, self.now)
        if outcome is not None:
            self._keep(outcome)
        return outcome

    def revoke(self) -> Outcome:
        outcome = plan_revoked(self.check, "get Secret a", "mend", self.bypass, self.now)
        self._keep(outcome)
        return outcome

    def later(self, count: float) -> "Life":
        self.now += seconds(count)
        return self

    def edit(self) -> "Life":
        self.check = replace(self.check, generation=self.check.generation + 1)
        return self

    def open(self, seen: Rollout) -> Outcome | None:
        opening = plan_opening(self.check, seen, self.bypass, self.now)
        if opening is not None:
            self._keep(opening)
        return opening

    def judge(
        self,
        assessment: Assessment,
        seen: Rollout = NO_WORKLOAD,
        baselines: dict[str, Baseline | None] | None = None,
        owner: str = "",
    ) -> Outcome:
        kept = Kept(baselines=baselines or {}, owner=owner, bypass=self.bypass)
        outcome = plan(self.check, seen, assessment, kept, self.now)
        self._keep(outcome)
        return outcome

    def stop(self) -> Outcome:
        stop = plan_suspended if self.check.spec.suspend else plan_invalid
        outcome = stop(self.check, self.bypass, self.now)
        self._keep(outcome)
        return outcome

    def _keep(self, outcome: Outcome) -> None:
        assert not faults_of(outcome.status, outcome.status["observedGeneration"])
        old, patch = dict(self.check.status), merge_patch(self.check.status, outcome.status)
        assert bool(patch) == outcome.changed
        assert apply(old, patch) == dict(outcome.status)
        self.check = replace(self.check, status=outcome.status)
        self.outcome = outcome

    def condition(self, kind: str) -> dict[str, str] | None:
        found = [c for c in self.check.status["conditions"] if c["type"] == kind]
        return found[0] if found else None

    def says(self, kind: str) -> tuple[str, str] | None:
        found = self.condition(kind)
        return (found["status"], found["reason"]) if found else None


def apply(target: dict, patch: dict) -> dict:
    """RFC 7386, written once more as an oracle."""
    result = dict(target)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            result[name] = apply(result.get(name) or {}, value)
        else:
            result[name] = value
    return result
