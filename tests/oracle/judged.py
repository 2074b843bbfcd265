"""What the pure core says of a case, in the words of the Go program."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from oracle.draft import Case
from tokencheck.api.tokencheck import Policy, SecretKeyRef, TokenSpec
from tokencheck.core.checks.chain import judge
from tokencheck.core.tokens.keys import parse_jwks
from tokencheck.core.tokens.read import read_token
from tokencheck.model.evidence import Evidence, Held, SecretMeta, TokenEvidence
from tokencheck.model.facts import Claims
from tokencheck.model.finding import Check, Finding, Result, Verdict
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import Trust, TrustState

# Said of what the token is accepted in spite of.
WARNINGS = frozenset({"issued-in-future"})
_WORDS = {
    Reason.MALFORMED_TOKEN: "malformed",
    Reason.TOKEN_MISSING: "malformed",
    Reason.ALGORITHM_FORBIDDEN: "algorithm",
    Reason.KEY_NOT_FOUND: "unknown-key",
    Reason.KEY_UNUSABLE: "unknown-key",
    Reason.KEYS_UNAVAILABLE: "no-keys",
    Reason.SIGNATURE_INVALID: "signature",
    Reason.ISSUER_MISMATCH: "issuer",
    Reason.AUDIENCE_MISMATCH: "audience",
    Reason.TOKEN_EXPIRED: "expired",
    Reason.NOT_YET_VALID: "not-yet",
    Reason.WRONG_TOKEN_TYPE: "type",
}


def faults_of(case: Case) -> frozenset[str]:
    """The faults that the core finds; the verdict says no more and no less.

    This is what `tokencheck verify` does with a file, a key set and flags.
    """
    token = _evidence(case)
    now = datetime.fromtimestamp(case.now, UTC)
    assessment = judge(Evidence(namespace="", policy=Policy(), tokens=(token,)), now)
    found = frozenset(word for f in assessment.findings for word in _words(f, token))
    assert (assessment.verdict is Verdict.VALID) == (found <= WARNINGS), (assessment, found)
    return found


def _evidence(case: Case) -> TokenEvidence:
    keys = parse_jwks(case.jwks)
    trust = Trust(
        state=TrustState.USABLE if keys.keys else TrustState.KEYS_UNAVAILABLE,
        keys=keys,
        algorithms=case.algorithms,
        clock_skew=timedelta(seconds=case.skew),
    )
    written = datetime.fromtimestamp(case.now, UTC)
    meta = SecretMeta(
        namespace="", name="", uid="", resource_version="", created_at=written, changed_at=written
    )
    facts = read_token(Sealed(case.token), trust, fingerprint_key=b"key")
    source = SecretKeyRef(name="", key="")
    spec = TokenSpec(name="token", source=source, issuer=case.issuer, audiences=case.audiences)
    return TokenEvidence(spec=spec, source="", holding=Held(facts=facts, secret=meta), trust=trust)


def _words(finding: Finding, token: TokenEvidence) -> tuple[str, ...]:
    """What a finding says against the token; a new reason must be given its word."""
    if finding.reason is Reason.ISSUED_IN_FUTURE:
        return ("issued-in-future",)
    if finding.result not in (Result.FAIL, Result.UNKNOWN):
        return ()
    if finding.reason is Reason.NOT_VERIFIABLE:
        # Beside Signature it says only what Signature says: that nobody vouches.
        return ("unrecognised",) if finding.check is Check.SIGNATURE else ()
    if finding.reason is Reason.CLAIM_INVALID:
        assert isinstance(token.holding, Held)
        claims = token.holding.facts.claims or Claims()
        return tuple(f"{name}-form" for name, _ in claims.invalid)
    return (_WORDS[finding.reason],)
