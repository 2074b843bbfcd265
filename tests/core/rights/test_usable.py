"""Who may name which TokenProvider; one that may not be named tells nothing of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.core.rights.usable import Usable, usable
from tokencheck.model.evidence import Absent, Denied, Failed, Unread

CASES = yaml.safe_load((Path(__file__).parent / "usable.yaml").read_text())
SELECTOR = {"selector": {"matchLabels": {"payments": "yes"}}}
WHAT = "TokenProvider payments"


def made(allowed: dict[str, Any], **more: Any) -> TokenProvider:
    jwt = {"keys": {"type": "Inline", "jwks": {"keys": []}}}
    spec = {"allowedNamespaces": allowed, "jwt": jwt} | more
    return parse_tokenprovider({"metadata": {"name": "payments"}, "spec": spec})


PROVIDERS: dict[str, TokenProvider | Unread] = {
    "all": made({"all": True}),
    "selector": made(SELECTOR),
    "invalid": made({"all": True}, network={"cidrs": ["10.0.0.1/8"]}),
    "absent": Absent(what=WHAT),
    "denied": Denied(what=WHAT),
    "failed": Failed(what=WHAT),
}
UNREAD = {"denied": Denied(what="Namespace shop"), "failed": Failed(what="Namespace shop")}


@pytest.mark.parametrize("case", CASES)
def test_whether_it_may_be_named(case: str) -> None:
    given_, labels = CASES[case], CASES[case]["labels"]
    known = UNREAD[labels] if isinstance(labels, str) else labels
    assert usable(PROVIDERS[given_["provider"]], known, given_["use"]) is Usable(given_["answer"])


@given(
    st.one_of(
        st.sampled_from(list(UNREAD.values())),
        st.dictionaries(
            st.sampled_from(["payments", "team"]), st.sampled_from(["yes", "no"])
        ).filter(lambda labels: labels.get("payments") != "yes"),
    ),
    st.sampled_from([True, False, None]),
)
def test_absent_invalid_and_forbidding_are_all_the_same(labels: Any, use: bool | None) -> None:
    answers = {usable(PROVIDERS[one], labels, use) for one in ("absent", "invalid", "selector")}
    assert len(answers) == 1
    assert Usable.YES not in answers
