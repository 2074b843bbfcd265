"""What the last answer says of the scopes of one check, whichever paths others asked about."""

from __future__ import annotations

import pytest

from tokencheck.api.tokencheck import Scopes, SecretKeyRef, TokenSpec
from tokencheck.gather.capabilities import with_capabilities
from tokencheck.model.activity import Activity, ActivityState, Answer, Capabilities
from tokencheck.model.evidence import Absent, Permissions, TokenEvidence
from tokencheck.model.trust import Trust

TOLD = Capabilities(
    on={
        "kv/a": frozenset({"read", "list"}),
        "kv/b": frozenset({"deny"}),
        "kv/c": frozenset({"root"}),
        "kv/d": None,
    }
)


def found_of(
    scopes: Scopes,
    answer: Answer | None,
    state: ActivityState = ActivityState.KNOWN,
) -> Permissions | None:
    token = TokenEvidence(
        spec=TokenSpec(name="a", source=SecretKeyRef(name="app", key="token"), scopes=scopes),
        source="",
        holding=Absent(what=""),
        trust=Trust(by_capability=True),
        activity=Activity(provider="own", state=state, answer=answer),
    )
    return with_capabilities(token).permissions


def said(*required: str, told: Capabilities = TOLD) -> Permissions:
    found = found_of(Scopes(required=required), Answer(active=True, capabilities=told))
    assert found is not None
    return found


def test_each_scope_is_said_by_its_own_path() -> None:
    scopes = ("read:kv/a", "update:kv/a", "read:kv/b", "sudo:kv/c", "read:kv/d")
    values = (True, False, False, True, None)
    assert said(*scopes) == Permissions(said=dict(zip(scopes, values, strict=True)))


def test_what_is_forbidden_is_said_too_and_what_is_allowed_is_not() -> None:
    scopes = Scopes(required=("read:kv/a",), allowed=("list:kv/a",), forbidden=("delete:kv/a",))
    found = found_of(scopes, Answer(active=True, capabilities=TOLD))
    assert found == Permissions(said={"read:kv/a": True, "delete:kv/a": False})


def test_names_of_policies_are_not_asked_about() -> None:
    scopes = Scopes(required=("shop",), allowed=("default",), forbidden=("root",))
    assert found_of(scopes, Answer(active=True, capabilities=TOLD)) is None


def test_another_form_is_told_where_it_is_allowed_too() -> None:
    scopes = Scopes(required=("read:*", "shop"), allowed=("write:kv/a",))
    found = found_of(scopes, Answer(active=True, capabilities=TOLD))
    assert found == Permissions(said={"read:*": None}, formless=("read:*", "write:kv/a"))


def test_why_nothing_is_told_comes_with_it() -> None:
    told = Capabilities(on={"kv/a": None}, why="the policy is missing", action="add it")
    found = said("read:kv/a", told=told)
    assert found == Permissions(
        said={"read:kv/a": None}, why="the policy is missing", action="add it"
    )


def test_a_path_that_was_not_asked_about_is_unknown_and_said_to_be() -> None:
    found = said("read:kv/a", "read:kv/new")
    assert found.said == {"read:kv/a": True, "read:kv/new": None}
    assert "not asked yet" in found.why


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (None, ActivityState.PENDING),
        (Answer(active=False), ActivityState.KNOWN),
        (Answer(active=True, capabilities=TOLD), ActivityState.FAULTED),
        (Answer(active=True, capabilities=TOLD), ActivityState.PENDING),
    ],
)
def test_an_answer_that_does_not_count_now_says_nothing(
    answer: Answer | None, state: ActivityState
) -> None:
    assert found_of(Scopes(required=("read:kv/a",)), answer, state) is None
