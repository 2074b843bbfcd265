"""What is kept between passes is bounded, whatever a tenant writes."""

from __future__ import annotations

from datetime import UTC, datetime

from tokencheck.gather.finds import Finds, Found
from tokencheck.gather.memory import Recollection
from tokencheck.model.keys import Key
from tokencheck.model.ports import Remembered

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = Key("TokenCheck", "shop", "checkout")


def found(size: int) -> Found:
    return Found(cost=0, size=size, tokens=())


def test_the_result_not_used_for_longest_goes_first() -> None:
    finds = Finds(max_bytes=3 * found(100).weight)
    for mark in (b"a", b"b", b"c"):
        finds.put(mark, found(100))
    assert finds.get(b"a") is not None
    finds.put(b"d", found(100))
    kept = [mark for mark in (b"a", b"b", b"c", b"d") if finds.get(mark)]
    assert kept == [b"a", b"c", b"d"]


def test_a_result_is_weighed_by_what_was_found() -> None:
    finds = Finds(max_bytes=100_000)
    for number in range(1000):
        finds.put(str(number).encode(), found(30_000))
    assert len(finds) == 3


def test_a_result_that_is_put_twice_is_weighed_once() -> None:
    finds = Finds(max_bytes=2 * found(0).weight)
    for _ in range(10):
        finds.put(b"a", found(0))
    finds.put(b"b", found(0))
    assert finds.get(b"a") is not None


def test_names_that_vanish_are_forgotten_within_a_check() -> None:
    memory, other = Recollection(), Key("TokenCheck", "shop", "cart")
    one = Remembered(secret_uid="u", fingerprint=b"f", changed_at=NOW, witnessed=True)
    for key, name in ((KEY, "api/a"), (KEY, "api/b"), (other, "api/a")):
        memory.remember(key, name, one)
    memory.retain(KEY, ["api/b", "api/c"])
    assert memory.recall(KEY, "api/a") is None
    assert memory.recall(KEY, "api/b") == memory.recall(other, "api/a") == one
    memory.retain(Key("TokenCheck", "shop", "unknown"), [])
