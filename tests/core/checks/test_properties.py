"""What holds of every verdict, whatever the evidence: fold, order, moments, scopes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from tokencheck.api.quantity import Share
from tokencheck.api.tokencheck import (
    Expiry,
    Level,
    Policy,
    Scopes,
    SecretKeyRef,
    ServiceAccountToken,
    TokenSpec,
    Use,
)
from tokencheck.core.checks.chain import judge
from tokencheck.core.checks.scopes import closure, smallest
from tokencheck.core.checks.words import listed, shown
from tokencheck.model.evidence import (
    Absent,
    Baseline,
    Denied,
    Evidence,
    Failed,
    Held,
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
from tokencheck.model.finding import Check, Result, Verdict
from tokencheck.model.reasons import Reason
from tokencheck.model.trust import Trust, TrustState
from tokencheck.model.workload import Site, SiteKind

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
SUBJECT = "canary-subject"
TICK = timedelta(microseconds=1)

# Few values and close to each other, so that they coincide, cross and reach each other.
moments = st.integers(-400, 400).map(lambda minutes: START + timedelta(minutes=minutes))
far = st.one_of(moments, st.datetimes(timezones=st.just(UTC)))
lengths = st.integers(0, 400).map(lambda minutes: timedelta(minutes=minutes))
spans = st.one_of(lengths, st.integers(1, 99).map(lambda percent: Share(percent=percent)))
names = st.sampled_from(["read", "write", "admin", "*", "root", "a\nb"])
scopes = st.lists(names, max_size=4).map(tuple)
levels = st.sampled_from(Level)
implications: st.SearchStrategy[Mapping[str, tuple[str, ...]]] = st.dictionaries(
    names, scopes, max_size=4
).map(MappingProxyType)
texts = st.one_of(st.sampled_from(["https://a", "https://a/", ""]), st.text(max_size=200))


def maybe(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


sites = st.builds(
    Site,
    kind=st.sampled_from(SiteKind),
    container=st.just("app"),
    where=st.text(max_size=5),
    optional=st.booleans(),
    expiration_seconds=maybe(st.integers(600, 90_000)),
)
claims = st.builds(
    Claims,
    issuer=maybe(texts),
    subject=st.just(SUBJECT),
    audiences=maybe(scopes),
    issued_at=maybe(far),
    not_before=maybe(far),
    expires_at=maybe(far),
    scopes=maybe(scopes),
    unbounded=st.booleans(),
    legacy_service_account=st.booleans(),
    warn_after=maybe(moments),
    invalid=st.lists(
        st.tuples(st.sampled_from(["exp", "nbf", "iat", "iss", "aud", "sub"]), st.just("is bad")),
        max_size=2,
    ).map(tuple),
)
facts = st.builds(
    Facts,
    kind=st.sampled_from(["JWT", "Opaque"]),
    family=st.sampled_from(Family),
    problems=st.lists(
        st.builds(
            Problem,
            reason=st.sampled_from([Reason.MALFORMED_TOKEN, Reason.TRAILING_WHITESPACE]),
            detail=st.just("is bad"),
            fatal=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    header=maybe(
        st.builds(
            Header,
            algorithm=st.sampled_from(["RS256", "HS256", "none", "ES256"]),
            type=maybe(texts),
            forbidden=st.sampled_from([(), ("crit",)]),
        )
    ),
    claims=maybe(claims),
    signature=st.builds(Signature, state=st.sampled_from(SignatureState), weak_key=st.booleans()),
)
secrets = st.builds(
    SecretMeta,
    namespace=st.just("shop"),
    name=st.just("s"),
    uid=st.just("u"),
    resource_version=st.just("1"),
    created_at=moments,
    changed_at=moments,
    annotations=st.sampled_from(["", "2026-11-24T13:00:00Z", "soon"]).map(
        lambda end: MappingProxyType({"tokencheck.dev/expires-at": end} if end else {})
    ),
)
unread = st.sampled_from(
    [Absent(what="x"), Absent(what="x", key_only=True), Denied(what="x"), Failed(what="x")]
)
holdings = st.one_of(
    st.builds(Held, facts=facts, secret=secrets),
    st.builds(Held, facts=facts, secret=secrets),
    unread,
    st.builds(Projected, sites=st.lists(sites, max_size=2).map(tuple)),
    st.builds(Unreachable, site=sites),
)
specs = st.builds(
    TokenSpec,
    name=st.sampled_from(["one", "two"]),
    source=st.sampled_from(
        [
            SecretKeyRef(name="s", key="k"),
            ServiceAccountToken(audience="a", max_expiration=timedelta(hours=1)),
        ]
    ),
    listed=st.booleans(),
    use=st.sampled_from(Use),
    issuer=maybe(texts),
    audiences=scopes,
    subject=maybe(st.just(SUBJECT)),
    scopes=st.builds(
        Scopes, required=scopes, allowed=scopes, forbidden=scopes, asked=st.booleans()
    ),
    expiry=st.builds(
        Expiry,
        warn_before=maybe(spans),
        fail_before=maybe(spans),
        max_lifetime=maybe(lengths),
        max_age=maybe(spans),
        expires_at=maybe(far),
    ),
)
tokens = st.builds(
    TokenEvidence,
    spec=specs,
    source=st.just('Secret shop/s key "k"'),
    holding=holdings,
    trust=st.builds(
        Trust,
        state=st.sampled_from(TrustState),
        issuer=maybe(texts),
        clock_skew=st.integers(0, 5).map(lambda minutes: timedelta(minutes=minutes)),
        implies=implications,
    ),
    sites=st.lists(sites, max_size=2).map(tuple),
    stale=st.builds(
        StalePods,
        applies=st.booleans(),
        names=scopes,
        certain=st.booleans(),
        denied=st.booleans(),
    ),
    baseline=maybe(
        st.builds(
            Baseline,
            issuer=maybe(texts),
            audiences=maybe(scopes),
            scopes=maybe(scopes),
            lifetime_seconds=maybe(st.integers(0, 10_000)),
            kind=st.just("JWT"),
            subject=maybe(st.sampled_from([SUBJECT, SUBJECT + "-before"])),
        )
    ),
    drift_accepted=st.booleans(),
)
policies = st.builds(
    Policy,
    excess_scopes=levels,
    expiring_soon=levels,
    drift=levels,
    stale_in_pods=levels,
    no_expiry=levels,
    lifetime=levels,
    age=levels,
    unverified=levels,
)
evidences = st.builds(
    Evidence,
    namespace=st.just("shop"),
    policy=policies,
    tokens=st.lists(tokens, max_size=3).map(tuple),
    unreadable=st.lists(sites, max_size=2).map(tuple),
    searched=st.none() | st.lists(st.sampled_from(("api", "tls", "pull")), unique=True).map(tuple),
    workload=maybe(unread),
)


@given(evidence=evidences, now=moments, later=st.floats(0, 1))
def test_nothing_changes_before_wake_at(evidence: Evidence, now: datetime, later: float) -> None:
    """Sleeping until `wake_at` misses nothing, and without one nothing ever comes."""
    assessment = judge(evidence, now)
    end = assessment.wake_at or datetime.max.replace(tzinfo=UTC)
    assert end > now
    for moment in (now + (end - now) * later, end - TICK):
        if now <= moment < end:
            again = judge(evidence, moment)
            assert again.findings == assessment.findings
            assert again.test_findings == assessment.test_findings
            assert again.wake_at == assessment.wake_at


@given(evidence=evidences, now=moments)
def test_waking_at_each_moment_ends(evidence: Evidence, now: datetime) -> None:
    """No moment wakes twice: at most six for each token."""
    wakes = 0
    while (wake := judge(evidence, now).wake_at) is not None:
        assert wake > now
        now, wakes = wake, wakes + 1
        assert wakes <= 6 * len(evidence.tokens)


@given(evidence=evidences, now=moments)
def test_any_fail_is_invalid_else_any_unknown_is_unknown(evidence: Evidence, now: datetime) -> None:
    assessment = judge(evidence, now)
    results = [finding.result for finding in assessment.findings]
    if Result.FAIL in results:
        assert assessment.verdict is Verdict.INVALID
    elif Result.UNKNOWN in results or set(results) <= {Result.SKIP}:
        assert assessment.verdict is Verdict.UNKNOWN
    else:
        assert assessment.verdict is Verdict.VALID


@given(evidence=evidences, now=moments)
def test_the_first_finding_gives_the_reason(evidence: Evidence, now: datetime) -> None:
    findings = judge(evidence, now).findings
    worst = [Result.FAIL, Result.UNKNOWN, Result.WARN, Result.SKIP, Result.PASS]
    ranks = [(worst.index(f.result), list(Check).index(f.check)) for f in findings]
    assert ranks == sorted(ranks)


@given(evidence=evidences, now=moments)
def test_test_tokens_never_move_the_verdict(evidence: Evidence, now: datetime) -> None:
    live = tuple(token for token in evidence.tokens if token.spec.use is Use.LIVE)
    if live:
        alone = judge(replace(evidence, tokens=live), now)
        assert judge(evidence, now).verdict == alone.verdict


@given(evidence=evidences, now=moments)
def test_messages_are_plain_and_show_no_subject(evidence: Evidence, now: datetime) -> None:
    assessment = judge(evidence, now)
    for finding in assessment.findings + assessment.test_findings:
        text = finding.message + finding.action
        assert SUBJECT not in text
        assert text.isascii()
        assert text.isprintable()


@given(evidence=evidences, now=moments)
def test_ignored_and_only_ignored_findings_say_so(evidence: Evidence, now: datetime) -> None:
    for finding in judge(evidence, now).findings:
        if finding.reason is Reason.IGNORED:
            assert finding.result is Result.SKIP
        if finding.result is Result.PASS:
            assert finding.reason is Reason.VALID


@given(tokens=st.lists(tokens, min_size=1, max_size=2).map(tuple), now=moments)
def test_a_policy_of_fail_hides_nothing_that_a_warning_shows(
    tokens: tuple[TokenEvidence, ...], now: datetime
) -> None:
    strict = Policy(**{name: Level.FAIL for name in Policy.__slots__})
    mild = judge(Evidence(namespace="shop", policy=Policy(), tokens=tokens), now)
    hard = judge(Evidence(namespace="shop", policy=strict, tokens=tokens), now)
    assert {(f.token, f.check, f.message) for f in mild.findings} >= {
        (f.token, f.check, f.message) for f in hard.findings if f.result is Result.FAIL
    }


@given(some=scopes, implies=implications)
def test_a_closure_holds_its_scopes_and_is_closed(
    some: tuple[str, ...], implies: Mapping[str, tuple[str, ...]]
) -> None:
    closed = closure(some, implies)
    assert closed >= set(some)
    assert closure(closed, implies) == closed
    for scope in closed:
        assert closed >= set(implies.get(scope, ()))


@given(some=scopes, implies=implications)
def test_the_smallest_set_implies_all_and_none_of_it_can_go(
    some: tuple[str, ...], implies: Mapping[str, tuple[str, ...]]
) -> None:
    few = smallest(some, implies)
    assert closure(few, implies) == closure(some, implies)
    for scope in few:
        rest = [other for other in few if other != scope]
        assert closure(rest, implies) != closure(some, implies)


@given(text=st.text())
def test_shown_text_is_short_printable_ascii(text: str) -> None:
    assert len(shown(text)) == min(len(text), 128)
    assert shown(text).isascii()
    assert not shown(text) or shown(text).isprintable()


@given(values=st.lists(st.text(max_size=5), max_size=12))
def test_a_list_names_six_and_counts_the_others(values: list[str]) -> None:
    text = listed(values)
    assert text.endswith(f" and {len(values) - 6} more") == (len(values) > 6)
    assert (text == "none") == (not values)
