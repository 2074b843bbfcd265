"""What `init` writes applies as it stands, whatever the token's claims and the names are."""

from __future__ import annotations

from datetime import UTC, datetime

import yaml
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import SecretKeyRef, TokenCheck, TokenSpec
from tokencheck.core.drafts.suggest import suggestion_of
from tokencheck.core.drafts.yaml import comment, name_of, scalar
from tokencheck.model.assessment import Assessment, TokenAssessment
from tokencheck.model.evidence import Denied, Held, Holding, SecretMeta, TokenEvidence
from tokencheck.model.facts import Claims, Facts, Family
from tokencheck.model.finding import Verdict
from tokencheck.model.workload import Site, SiteKind, Workload

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WORKLOAD = Workload(
    api_version="apps/v1",
    kind="Deployment",
    namespace="shop",
    name="web",
    uid="u",
    generation=1,
    template_hash="h",
    sites=(),
)
META = SecretMeta(
    namespace="shop", name="s", uid="u", resource_version="1", created_at=NOW, changed_at=NOW
)
CLAIM = st.text(min_size=1, max_size=30)


def held(claims: Claims | None) -> Held:
    family = Family.JWT if claims else Family.OPAQUE
    return Held(facts=Facts(kind=str(family), family=family, claims=claims), secret=META)


def token(number: int, holding: Holding, granted: tuple[str, ...] | None = None) -> TokenAssessment:
    name = f"secret-{number}"
    evidence = TokenEvidence(
        spec=TokenSpec(name=f"{name}/token", source=SecretKeyRef(name=name, key="token")),
        source=f'Secret shop/{name} key "token"',
        holding=holding,
        sites=(Site(kind=SiteKind.ENV, container="app", where="TOKEN", secret=name, key="token"),),
    )
    return TokenAssessment(evidence=evidence, findings=(), verdict=Verdict.VALID, granted=granted)


def suggested(*tokens: TokenAssessment, **providers: str) -> str:
    assessment = Assessment(tokens=tokens, findings=(), test_findings=(), verdict=Verdict.VALID)
    return suggestion_of(WORKLOAD, assessment, providers, NOW)


def parsed(text: str) -> TokenCheck:
    check = parse_tokencheck(yaml.safe_load(text))
    assert not check.invalid
    return check


@given(CLAIM, st.lists(CLAIM, max_size=3), st.lists(CLAIM, max_size=3, unique=True))
def test_the_claims_of_a_vouched_token_become_what_is_expected(
    issuer: str, audiences: list[str], scopes: list[str]
) -> None:
    claims = Claims(issuer=issuer, audiences=tuple(audiences), scopes=tuple(scopes))
    text = suggested(token(0, held(claims), tuple(scopes)), **{issuer: "login"})
    (spec,) = parsed(text).spec.tokens
    assert spec.provider == "login"
    assert spec.issuer == issuer
    assert spec.audiences == tuple(audiences)
    assert spec.scopes.required == tuple(scopes)


def test_what_nobody_can_verify_yet_stands_as_a_comment() -> None:
    claims = Claims(issuer="https://login.example.com", audiences=("pay",))
    text = suggested(token(0, held(claims), ("read",)))
    (spec,) = parsed(text).spec.tokens
    assert spec.issuer is None
    assert spec.audiences == ()
    assert '    # issuer: "https://login.example.com"' in text
    assert '    # scopes: {required: ["read"]}' in text
    assert "kind: TokenProvider" in text


def test_more_than_eight_tokens_leave_the_rest_to_discovery() -> None:
    tokens = [token(number, held(None)) for number in range(9)] + [token(9, held(Claims()))]
    text = suggested(*tokens)
    names = [spec.name for spec in parsed(text).spec.tokens]
    assert len(names) == 8
    assert names[0] == "secret-9-token", "those with claims come first"
    assert text.count("Also checked, by discovery") == 2


def test_a_secret_that_may_not_be_read_is_named() -> None:
    text = suggested(token(0, Denied(what="Secret shop/secret-0")))
    assert "# You may not read Secret shop/secret-0" in text
    assert len(parsed(text).spec.tokens) == 1


@given(st.text(max_size=80))
def test_a_scalar_is_read_back_as_the_same_text(text: str) -> None:
    assert yaml.safe_load(f"value: {scalar(text)}") == {"value": text}


@given(st.text(max_size=80))
def test_a_comment_stays_a_comment(text: str) -> None:
    assert yaml.safe_load(f"{comment(text)}\nvalue: 1") == {"value": 1}


@given(st.lists(st.text(max_size=90), max_size=6))
def test_names_are_valid_and_different(texts: list[str]) -> None:
    names: list[str] = []
    for text in texts:
        names.append(name_of(text, names))
    assert len(set(names)) == len(names)
    for name in names:
        assert 0 < len(name) <= 63
        assert name.strip("-") == name
        assert all(c in "abcdefghijklmnopqrstuvwxyz0123456789-" for c in name)
