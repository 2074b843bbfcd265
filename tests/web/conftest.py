"""Builders of what a pass puts on the board, and of a healthy process."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tokencheck.api.tokencheck import SecretKeyRef, Spec, TokenCheck, TokenSpec
from tokencheck.model.admission import Enforcement
from tokencheck.model.assessment import Assessment, TokenAssessment
from tokencheck.model.evidence import Held, SecretMeta, StalePods, TokenEvidence
from tokencheck.model.facts import Claims, Facts, Family
from tokencheck.model.finding import Check, Finding, Result, verdict_of
from tokencheck.model.keys import Key
from tokencheck.model.outcome import Outcome
from tokencheck.model.reasons import Reason
from tokencheck.model.rounds import CAUSES, ENDS, STEPS, Account, Progress
from tokencheck.web.board import ResultBoard
from tokencheck.web.metrics import Metrics
from tokencheck.web.sources import InformerState, LeaseState, Sources
from tokencheck.web.tally import Tally

ISSUED = datetime(2026, 7, 1, tzinfo=UTC)
EXPIRES = datetime(2026, 8, 1, tzinfo=UTC)
CANARY = "canary-subject-alice@example.com"
META = SecretMeta(
    namespace="shop",
    name="payments",
    uid="u",
    resource_version="7",
    created_at=ISSUED,
    changed_at=ISSUED,
)


class Build:
    """Everything with defaults that make a good token."""

    def finding(self, check=Check.EXPIRY, result=Result.PASS, name="payments"):
        return Finding(token=name, check=check, result=result, reason=Reason.VALID, message=CANARY)

    def token(self, name="payments", *, expires=EXPIRES, issued=ISSUED, drifted=(), stale=()):
        claims = Claims(issued_at=issued, subject=CANARY)
        facts = Facts(kind="JWT", family=Family.JWT, claims=claims)
        evidence = TokenEvidence(
            spec=TokenSpec(name=name, source=SecretKeyRef(name="payments", key="token")),
            source='Secret shop/payments key "token"',
            holding=Held(facts=facts, secret=META),
            stale=StalePods(applies=True, names=stale, total=len(stale)),
        )
        return TokenAssessment(
            evidence=evidence,
            findings=(),
            verdict=verdict_of((self.finding(),)),
            expires_at=expires,
            drifted=drifted,
        )

    def assessment(self, *tokens, findings=None, test_findings=()):
        found = (self.finding(),) if findings is None else findings
        return Assessment(
            tokens=tokens,
            findings=found,
            test_findings=test_findings,
            verdict=verdict_of(found),
        )

    def check(self, key, status=None):
        return TokenCheck(
            namespace=key.namespace,
            name=key.name,
            uid="u",
            generation=1,
            resource_version="1",
            spec=Spec(),
            status=status or {},
        )

    def outcome(self, owner="team-pay", conditions=(("Ready", "True"), ("Unexpired", "True"))):
        listed = [{"type": kind, "status": state} for kind, state in conditions]
        return Outcome(status={"owner": owner, "conditions": listed}, changed=True)


HEALTHY = InformerState(
    resource="secrets",
    synced=True,
    alive=True,
    denied=False,
    last_event_at=ISSUED,
    silent_s=3.0,
    restarts={"Expired": 2, "Error": 0},
)

LEASE = LeaseState(name="tokencheck", holder="pod-1_a", leads=True, age_s=1.0, transitions=7)


ACCOUNT = Account(
    conditions=(("Ready", "Unknown"), ("Reconciling", "True")),
    workloads={"Checked": 40, "HandWritten": 1, "OptedOut": 2, "Others": 0, "Refused": 3},
    verdicts={"Valid": 38, "Invalid": 2, "Unknown": 0},
    waiting={"Make": 5, "Renew": 0, "Remove": 1},
    refused=dict.fromkeys(CAUSES, 0) | {"Refused": 2, "Taken": 1},
)
PROGRESS = Progress(
    steps={(step, str(end)): 0 for step in STEPS for end in ENDS} | {("Make", "Written"): 40},
    age_s=12.5,
    accounts={"all-teams": ACCOUNT},
)


def sources(**changes):
    """Give the facts of a healthy process, with changes."""
    healthy = Sources(
        informers=lambda: (HEALTHY,),
        queue_depth=lambda: 4,
        queue_oldest_s=lambda: 0.5,
        stuck_s=lambda: 0.0,
        loop_lag_s=lambda: 0.01,
        passes_failed=lambda: 3,
        api_requests=lambda: {("get", "secrets", "200"): 12, ("patch", "tokenchecks", "409"): 1},
        wall=lambda: ISSUED,
        api_retries=lambda: {"Throttled": 2, "Unauthorized": 0},
        credentials=lambda: {"Unreadable": "", "Refused": "", "Untrusted": ""},
        api_throttled_s=lambda: {"Client": 0.0, "Server": 1.5},
        events_dropped=lambda: {"Failed": 0, "Limited": 5, "Overflow": 0},
        events_waiting=lambda: 7,
        kopf_restarts=lambda: 6,
        leases=lambda: (LEASE,),
        apiserver_skew_s=lambda: -2.34,
        tasks=lambda: 23,
        cluster_checks=lambda: PROGRESS,
        admission=lambda: {"shop": Enforcement.PROVEN, "ops": Enforcement.ADMITTED},
    )
    return replace(healthy, **changes)


@pytest.fixture
def build():
    return Build()


@pytest.fixture
def process():
    return sources


@pytest.fixture
def informer():
    return lambda **changes: replace(HEALTHY, **changes)


@pytest.fixture
def lease():
    return lambda **changes: replace(LEASE, **changes)


@pytest.fixture
def progress():
    return PROGRESS


@pytest.fixture
def tally():
    return Tally()


@pytest.fixture
def board(tally):
    return ResultBoard(lambda: 1_785_000_000.5, tally)


@pytest.fixture
def metrics(board, tally, process):
    return Metrics(board, tally, process(), "0.1.0")


@pytest.fixture
def put(board, build):
    """Give a function that puts one check on the board."""

    def do(name="checkout", *tokens, namespace="shop", status=None, assessment=None, **outcome):
        key = Key("TokenCheck", namespace, name)
        judged = assessment or build.assessment(*(tokens or (build.token(),)))
        board.put(key, build.check(key, status), judged, build.outcome(**outcome))
        return key

    return do
