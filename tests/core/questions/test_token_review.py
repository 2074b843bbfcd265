"""What the API server's answer to a TokenReview means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.questions.replies import Faulted
from tokencheck.core.questions.token_review import audiences_of, meaning_of
from tokencheck.model.activity import Answer
from tokencheck.model.asking import NoReply, Reply
from tokencheck.model.facts import Claims, Facts, Family
from tokencheck.model.reasons import Reason

ROWS = yaml.safe_load((Path(__file__).parent / "token_reviews.yaml").read_text())


def meaning(row: dict[str, Any]) -> Answer | Faulted:
    reply = Reply(status=row.get("status", 201), media_type="application/json", body=b"")
    document = row.get("document", {"status": row.get("says")})
    return meaning_of(reply, document, tuple(row.get("asks", ())))


def word(found: Answer | Faulted) -> str:
    if isinstance(found, Faulted):
        return str(found.reason)
    return "active" if found.active else "stranger" if found.stranger else "inactive"


@pytest.mark.parametrize("row", ROWS, ids=[row["it"] for row in ROWS])
def test_an_answer_means_what_the_table_says(row: dict[str, Any]) -> None:
    found = meaning(row)
    assert word(found) == row["means"]
    if isinstance(found, Faulted):
        assert found.of_token == row.get("alone", False)
        return
    assert not found.revoked  # nobody says that somebody ended it
    told = row.get("audiences")
    assert found.claims.audiences == (None if told is None else tuple(told))
    if "why" in row:
        assert found.why == row["why"]


def test_whose_the_token_is_is_kept_to_ask_what_he_may() -> None:
    found = meaning(ROWS[0])
    assert isinstance(found, Answer)
    assert found.user is not None
    assert found.user.name == found.claims.subject == "system:serviceaccount:shop:app"
    assert (found.user.uid, found.user.groups) == ("u1", ("g1", "system:authenticated"))
    assert found.user.extra == (("k", ("v",)),)
    assert "serviceaccount" not in repr(found).replace(repr(found.claims), "")


def test_no_answer_keeps_its_reason() -> None:
    for reason in (Reason.TIMED_OUT, Reason.UNREACHABLE, Reason.RATE_LIMITED):
        found = meaning_of(NoReply(reason=reason, detail="no"), None, ())
        assert isinstance(found, Faulted)
        assert found.reason is reason


def test_who_lacks_the_right_is_told_what_to_grant() -> None:
    found = meaning({"status": 403, "document": None})
    assert isinstance(found, Faulted)
    assert "tokenreviews.authentication.k8s.io" in found.detail
    assert "providers.tokenReviews" in found.detail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
FIELDS = ["authenticated", "user", "audiences", "error"]


@given(
    status=st.sampled_from([200, 201, 204, 400, 401, 403, 404, 409, 422, 429, 500, 503]),
    said=st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON,
    asked=st.lists(st.sampled_from(["a", "b"])),
)
def test_interpreting_is_total_and_only_a_whole_yes_is_one(
    status: int, said: Any, asked: list[str]
) -> None:
    reply = Reply(status=status, media_type="application/json", body=b"")
    found = meaning_of(reply, {"status": said}, tuple(asked))
    if status != 201:
        assert isinstance(found, Faulted)
    if isinstance(found, Answer) and found.active:
        assert said["authenticated"] is True


@given(text=st.text(max_size=60))
def test_any_other_error_says_nothing_of_the_token(text: str) -> None:
    found = meaning({"says": {"error": f"[invalid bearer token, webhook: {text}!]"}})
    assert isinstance(found, Faulted)


@pytest.mark.parametrize(
    ("kind", "named", "asked"),
    [
        ("ServiceAccountToken", ("vault", "api"), ("vault", "api")),
        ("ServiceAccountToken", None, ()),
        ("LegacyServiceAccountToken", None, ()),
        # An API server accepts it for its own audience, which is not the client's of an OIDC token.
        ("JWT", ("kubectl",), ()),
    ],
)
def test_a_token_of_a_service_account_is_asked_about_for_its_own_audiences(
    kind: str, named: tuple[str, ...] | None, asked: tuple[str, ...]
) -> None:
    facts = Facts(kind=kind, family=Family.JWT, claims=Claims(audiences=named))
    assert audiences_of(facts) == asked
    assert audiences_of(Facts(kind="Opaque", family=Family.OPAQUE)) == ()
