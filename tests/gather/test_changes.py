"""When a value changed is kept over a restart, and over a takeover."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tokencheck.api.quantity import format_time
from tokencheck.gather.changes import change_of
from tokencheck.model.evidence import SecretMeta
from tokencheck.model.ports import Remembered

CREATED = datetime(2026, 7, 1, 12, 0, 8, tzinfo=UTC)
META = SecretMeta(
    namespace="shop",
    name="api",
    uid="u",
    resource_version="7",
    created_at=CREATED,
    changed_at=CREATED,
)
FIRST = Remembered(secret_uid="u", fingerprint=b"first", changed_at=CREATED, witnessed=True)


@pytest.mark.parametrize("after_s", [0.3, 1.0, 3600.0])
def test_a_change_stays_one_for_the_next_process_even_in_the_second_of_the_creation(
    after_s: float,
) -> None:
    now = CREATED + timedelta(seconds=after_s)
    seen = change_of(FIRST, {}, META, b"second", now)
    assert (seen.changed_at, seen.witnessed) == (now, True)
    stored = {"resourceVersion": "7", "changedTime": format_time(seen.changed_at)}
    kept = change_of(None, stored, META, b"second", now + timedelta(hours=1))
    assert kept.witnessed
    assert kept.changed_at > CREATED
    assert format_time(kept.changed_at) == stored["changedTime"]


def test_what_stands_written_of_another_version_says_nothing_of_this_one() -> None:
    stored = {"resourceVersion": "6", "changedTime": "2026-07-01T12:00:09Z"}
    written = replace(META, changed_at=CREATED + timedelta(minutes=5))
    found = change_of(None, stored, written, b"second", CREATED + timedelta(hours=1))
    assert found == replace(written, witnessed=False)


def test_a_value_never_written_again_came_with_the_creation_for_sure() -> None:
    assert change_of(None, {}, META, b"first", CREATED) == replace(META, witnessed=True)
