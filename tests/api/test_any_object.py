"""Whatever JSON stands in a file or in the cluster, it is parsed, and its faults are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes import JSON, objects
from tokencheck.api.clustertokencheck import parse_clustertokencheck
from tokencheck.api.described import parse_described
from tokencheck.api.fields import Fields
from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.quantity import Share, parse_duration, parse_span
from tokencheck.api.selector import parse_selector
from tokencheck.api.tokenprovider import parse_tokenprovider

PARSERS: dict[str, Callable[[Any], Any]] = {
    "tokenchecks": parse_tokencheck,
    "tokenproviders": parse_tokenprovider,
    "clustertokenchecks": parse_clustertokencheck,
}
UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_NAMES = """
path header scheme active inactive expirationField scopesField matchLabels matchExpressions
"""
FIELDS = st.dictionaries(
    st.sampled_from(_NAMES.split()),
    JSON
    | st.dictionaries(st.sampled_from(["status", "field", "equals"]), JSON)
    | st.lists(st.dictionaries(st.sampled_from(["key", "operator", "values"]), JSON), max_size=3),
)


@given(objects("tokenchecks"))
def test_every_tokencheck_is_parsed_and_its_faults_are_told(obj: dict[str, Any]) -> None:
    told(parse_tokencheck, obj)


@given(objects("tokenproviders"))
def test_every_tokenprovider_is_parsed_and_its_faults_are_told(obj: dict[str, Any]) -> None:
    told(parse_tokenprovider, obj)


@given(objects("clustertokenchecks"))
def test_every_clustertokencheck_is_parsed_and_its_faults_are_told(obj: dict[str, Any]) -> None:
    told(parse_clustertokencheck, obj)


def told(parse: Callable[[Any], Any], obj: dict[str, Any]) -> None:
    """What `parse` makes of it is sound, and its faults are sentences about fields."""
    found = parse(obj)
    assert found == parse(obj)
    for fault in found.invalid:
        assert fault.field.startswith("spec")
        assert fault.message
    assert isinstance(found.generation, int)
    assert all(isinstance(text, str) for text in (found.name, found.uid, found.resource_version))


def test_a_bundle_of_other_letters_is_a_fault_of_the_spec() -> None:
    found = parse_tokenprovider({"spec": {"tls": {"caBundle": "Zertifikat für uns"}}})
    assert "spec.tls.caBundle" in [fault.field for fault in found.invalid]


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
def test_a_spec_that_is_no_object_is_a_fault(parse: Callable[[Any], Any]) -> None:
    assert "spec: must be an object" in [str(one) for one in parse({"spec": "none"}).invalid]


@given(FIELDS)
def test_every_description_of_an_api_is_parsed(values: dict[str, Any]) -> None:
    fields = Fields("spec", values)
    found = parse_described(fields)
    if not fields.faults:
        assert found.active.field
        assert found.inactive.equals
        assert 429 not in found.active.statuses + found.inactive.statuses


@given(FIELDS, st.dictionaries(st.text(max_size=3), st.text(max_size=3)))
def test_every_selector_answers_about_every_object(
    values: dict[str, Any], labels: dict[str, str]
) -> None:
    selector = parse_selector(Fields("spec", values))
    assert isinstance(selector.selects(labels), bool)


@given(JSON)
def test_what_is_no_duration_states_none(value: object) -> None:
    assert parse_duration(value) is None or isinstance(value, str)
    assert isinstance(parse_span(value), timedelta | Share | None)


@given(st.lists(st.tuples(st.integers(0, 99_999), st.sampled_from("dhms")), min_size=1, max_size=4))
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{number}{unit}" for number, unit in parts)
    total = timedelta(seconds=sum(number * UNITS[unit] for number, unit in parts))
    assert parse_duration(text) == parse_span(text) == total


@given(st.integers(-5, 200))
def test_a_share_is_one_to_ninety_nine_percent(percent: int) -> None:
    share = Share(percent=percent) if 1 <= percent <= 99 else None
    assert parse_span(f"{percent}%") == share
