"""The rotation list: each token once, by owner and day; and its two forms."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.audit.due import dues_of, omitted_of
from tokencheck.core.formats.due import calendar_of, markdown_of
from tokencheck.model.due import Due

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SOURCE = 'Secret payments-api key "token"'
TEXT = st.text(min_size=1, max_size=60)
DUES = st.builds(
    Due,
    owner=st.text(max_size=20),
    namespace=TEXT,
    source=TEXT,
    checks=st.tuples(TEXT),
    workloads=st.tuples(TEXT) | st.just(()),
    ends_at=st.none() | st.integers(0, 10**9).map(lambda s: NOW + timedelta(seconds=s)),
)


def check(name: str, *tokens: dict, owner: str = "", **more: object) -> dict:
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"workloadRef": {"kind": "Deployment", "name": name}},
        "status": {"owner": owner, "tokens": list(tokens)} | more,
    }


def token(source: str = SOURCE, ends: str = "2026-12-01T00:00:00Z") -> dict:
    return {"name": "t", "source": source, "expirationTime": ends}


def test_a_token_of_two_checks_is_one_row_that_names_both() -> None:
    (due,) = dues_of([check("checkout", token(), owner="pay"), check("api", token(), owner="pay")])
    assert due.checks == ("checkout", "api")
    assert due.workloads == ("Deployment/checkout", "Deployment/api")
    assert due.ends_at == datetime(2026, 12, 1, tzinfo=UTC)


def test_owners_stand_by_name_nobody_last_and_what_ends_first_on_top() -> None:
    found = dues_of(
        [
            check("a", token("late", "2027-01-01T00:00:00Z"), token("never", "")),
            check("b", token("z", "2026-12-03T00:00:00Z"), token("y"), owner="pay"),
            check("c", token("x"), owner="books"),
        ]
    )
    told = [(due.owner, due.source) for due in found]
    assert told == [("books", "x"), ("pay", "y"), ("pay", "z"), ("", "late"), ("", "never")]


def test_what_the_statuses_had_no_room_for_is_counted() -> None:
    assert omitted_of([check("a", omitted={"tokens": 3}), check("b"), {"metadata": {}}]) == 3


def test_markdown_has_a_table_for_each_owner() -> None:
    text = markdown_of(
        dues_of([check("checkout", token(), token("old", "2026-11-26T10:00:00Z"))]), NOW
    )
    assert "## Nobody" in text
    rows = [line for line in text.splitlines() if line.startswith("| 2026")]
    assert rows[0].startswith("| 2026-11-26, ended 2 h ago | old | shop | Deployment/checkout |")
    assert rows[1].startswith("| 2026-12-01, in 4 d 12 h |")


def test_an_owner_cannot_write_markdown_of_his_own() -> None:
    due = Due(owner="a\n# b | [x](http://e) <img>", namespace="n", source="s", checks=("c",))
    text = markdown_of([due], NOW)
    assert "\n# b" not in text
    assert "[x](" not in text
    assert "<img>" not in text


def unfolded(text: str) -> list[str]:
    """The content lines of a calendar, read as RFC 5545 says."""
    assert text.endswith("\r\n")
    lines = text.split("\r\n")[:-1]
    assert all(len(line.encode()) <= 75 for line in lines)
    assert not re.search(r"[\r\n]", "".join(lines))
    return re.sub(r"\r\n ", "", text).split("\r\n")[:-1]


def unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] in "nN" else m[1], value)


def test_a_calendar_has_an_event_and_a_reminder_for_each_end() -> None:
    later = NOW + timedelta(days=3)
    due = Due(owner="pay", namespace="shop", source=SOURCE, checks=("checkout",), ends_at=later)
    never = Due(owner="pay", namespace="shop", source="other", checks=("checkout",))
    lines = unfolded(calendar_of([due, never], NOW))
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 1
    assert "DTSTART:20261129T120000Z" in lines
    assert "TRIGGER:-P7D" in lines
    (summary,) = [line for line in lines if line.startswith("SUMMARY:")]
    assert unescaped(summary) == f"SUMMARY:Token ends: shop: {SOURCE}"
    rotated = calendar_of([Due(**{**_fields(due), "ends_at": later + timedelta(days=90)})], NOW)
    uids = {line for text in (calendar_of([due], NOW), rotated) for line in unfolded(text)}
    assert len([line for line in uids if line.startswith("UID:")]) == 1


def _fields(due: Due) -> dict:
    return {name: getattr(due, name) for name in Due.__dataclass_fields__}


@given(st.text(alphabet='ab\\;,:"é \n', min_size=1, max_size=80))
def test_a_calendar_says_a_name_as_it_is(source: str) -> None:
    due = Due(owner="pay", namespace="shop", source=source, checks=("c",), ends_at=NOW)
    lines = unfolded(calendar_of([due], NOW))
    (summary,) = [line for line in lines if line.startswith("SUMMARY:")]
    assert unescaped(summary) == f"SUMMARY:Token ends: shop: {source}"


@given(st.lists(DUES, max_size=4))
def test_no_name_breaks_out_of_its_line(dues: list[Due]) -> None:
    lines = unfolded(calendar_of(dues, NOW))
    ends = [due for due in dues if due.ends_at is not None]
    assert lines.count("BEGIN:VEVENT") == len(ends)
    known = {"BEGIN", "END", "VERSION", "PRODID", "METHOD", "X-WR-CALNAME", "UID", "DTSTAMP"}
    known |= {"DTSTART", "SUMMARY", "DESCRIPTION", "TRANSP", "ACTION", "TRIGGER"}
    assert {line.partition(":")[0] for line in lines} <= known
    table = [line for line in markdown_of(dues, NOW).splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 6 for line in table)
