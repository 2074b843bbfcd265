"""Tokens inside documents: the table in ``vectors/documents.yaml``, bounds and properties."""

from __future__ import annotations

import base64
import json
import re
import time
from itertools import cycle, islice
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.tokens.documents import MAX_FOUND, select, tokens_in
from tokencheck.core.tokens.formats import MAX_BYTES, MAX_YAML_BYTES, document_of
from tokencheck.model.facts import Problem
from tokencheck.model.reveal import reveal
from tokencheck.model.sealed import Sealed

VECTORS = Path(__file__).parents[1] / "vectors"
ROWS = yaml.safe_load((VECTORS / "documents.yaml").read_text())
FILLERS = {"a": "Zq3Xw8Tn5Rk1Vb7Mj", "x": "0a9f3c7e1d5b"}


def filled(text: str | bytes) -> bytes:
    if isinstance(text, bytes):
        return text
    text = re.sub(
        r"<([ax]):(\d+)>", lambda m: "".join(islice(cycle(FILLERS[m[1]]), int(m[2]))), text
    )
    return re.sub(
        r"<auth:([^>]*)>", lambda m: base64.b64encode(m[1].encode()).decode(), text
    ).encode()


def shown(selected: object) -> object:
    return reveal(selected) if isinstance(selected, Sealed) else selected


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_discovery_finds_what_the_table_says(row) -> None:
    found = tokens_in(row["key"], Sealed(filled(row["text"])))
    assert [path for path, _ in found] == row["found"]


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_path_selects_what_discovery_found_there(row) -> None:
    value = Sealed(filled(row["text"]))
    for path, token in tokens_in(row["key"], value):
        if path:
            assert shown(select(value, path)) == reveal(token)


SELECTED = [(row, path, text) for row in ROWS for path, text in row.get("selects", {}).items()]


@pytest.mark.parametrize(
    ("row", "path", "text"), SELECTED, ids=[f"{r['name']}: {p}" for r, p, _ in SELECTED]
)
def test_a_path_selects_a_text_or_nothing(row, path, text) -> None:
    expected = None if text is None else filled(text)
    assert shown(select(Sealed(filled(row["text"])), path)) == expected


FAULTS = [(row, path, text) for row in ROWS for path, text in row.get("faults", {}).items()]


@pytest.mark.parametrize(
    ("row", "path", "detail"), FAULTS, ids=[f"{r['name']}: {p}" for r, p, _ in FAULTS]
)
def test_what_cannot_be_selected_is_a_problem_with_a_next_action(row, path, detail) -> None:
    problem = select(Sealed(filled(row["text"])), path)
    assert isinstance(problem, Problem)
    assert problem.detail == detail
    assert problem.action


def test_a_value_beyond_what_a_secret_holds_is_not_parsed() -> None:
    value = Sealed(b"{" + b" " * MAX_BYTES + b"}")
    assert tokens_in("token", value) == ()
    problem = select(value, "a")
    assert isinstance(problem, Problem)
    assert problem.detail == "the value is larger than 1 MiB"


def test_yaml_beyond_its_bound_is_not_parsed() -> None:
    value = Sealed(b"token: abcdefghijkl\n" + b"#" * MAX_YAML_BYTES)
    assert tokens_in("c", value) == ()
    problem = select(value, "token")
    assert isinstance(problem, Problem)
    assert problem.detail == "the YAML document is larger than 128 KiB"


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":' + b"[" * 40 + b"]" * 40 + b"}",
        b"[" * 20_000,
        b"a: " + b"[" * 40 + b"]" * 40,
        b"a: " + b"{a: " * 40 + b"}" * 40,
    ],
    ids=["JSON", "JSON without end", "YAML lists", "YAML mappings"],
)
def test_a_deep_document_is_refused(text) -> None:
    assert isinstance(document_of(text), Problem)


def test_at_most_a_hundred_tokens_are_found_in_one_value() -> None:
    text = json.dumps({f"token-{i}": f"{i:040}x" for i in range(MAX_FOUND + 50)})
    assert len(tokens_in("c", Sealed(text.encode()))) == MAX_FOUND


def test_the_search_ends_in_a_document_of_very_many_values() -> None:
    values = [["x"] * 30_000, {"token": "abcdefghijklmnop"}]
    assert tokens_in("c", Sealed(json.dumps(values).encode())) == ()


def test_the_search_ends_below_what_a_path_can_name() -> None:
    text = '{"a":' * 17 + '"' + "eyJ" + "A" * 30 + '.x"' + "}" * 17
    assert tokens_in("c", Sealed(text.encode())) == ()


def test_half_a_surrogate_pair_in_yaml_is_no_crash() -> None:
    value = Sealed(b'token: "abcdefghijk\\ud800"\n')
    assert not isinstance(select(value, "token"), Exception)
    assert isinstance(tokens_in("c", value), tuple)


@given(
    st.binary(max_size=200)
    | st.text(alphabet="{}[]\":,=- \nabctoken&*!|>#'\\u0", max_size=120).map(str.encode)
)
def test_finding_is_total_and_agrees_with_selecting(text) -> None:
    value = Sealed(text)
    for path, token in tokens_in("token", value):
        assert reveal(token) == (shown(select(value, path)) if path else text)


@given(st.binary(max_size=100), st.text(max_size=30))
def test_selecting_is_total(text, path) -> None:
    selected = select(Sealed(text), path)
    assert selected is None or isinstance(selected, Sealed | Problem)


def test_a_mebibyte_of_anything_is_searched_in_bounded_time() -> None:
    started = time.perf_counter()
    for text in (b"[" * MAX_BYTES, b"a=b\n" * (MAX_BYTES // 4), b"//" + b"a" * (MAX_BYTES - 2)):
        tokens_in("token", Sealed(text))
    assert time.perf_counter() - started < 5
