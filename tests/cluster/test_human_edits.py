"""People edit a check all the time while the operator writes its status: neither loses anything."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from cluster.shop import AUDIENCE, Object, Shop, listed, ready, token_of
from controlplane import ApiError, OperatorProcess
from faults.patience import Patience

GOOD = ("True", "AllChecksPassed")
OTHERS = ("False", "AudienceMismatch")
WRITES = "tokencheck_status_writes_total"
# One person cannot do much more where the API server needs 100 ms for each: many can.
PEOPLE, EDITS, A_SECOND = 10, 30, 5.0
RIGHT_S = 5.0
AGAIN = (409, 504)  # it met another one, or was late: to say the same again changes nothing
EVENTS = 25  # of one object at once, and one more in five minutes


class Person(threading.Thread):
    """Makes one edit after the other, so many a second; one that met another is made again."""

    def __init__(self, edit: Callable[[int], object]) -> None:
        super().__init__(daemon=True)
        self.error: Exception | None = None
        self._edit = edit

    def run(self) -> None:
        began = time.monotonic()
        try:
            for number in range(1, EDITS + 1):
                self._make(number)
                time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
        except Exception as error:  # noqa: BLE001 - told by the test
            self.error = error

    def _make(self, number: int) -> None:
        try:
            self._edit(number)
        except ApiError as error:
            if error.code not in AGAIN:
                raise
            self._make(number)


def make(edits: list[Callable[[int], object]]) -> float:
    """All of them are made at the same time, each on a connection of its own; seconds it took."""
    people = [Person(edit) for edit in edits]
    began = time.monotonic()
    for one in people:
        one.start()
    for one in people:
        one.join(EDITS * 10 / A_SECOND)
    assert not [one.error for one in people if one.error or one.is_alive()]
    return time.monotonic() - began


def writes(operator: OperatorProcess) -> dict[str, float]:
    """Writes of a status so far, by how they ended."""
    shown = operator.metrics().items()
    return {name: count for name, count in shown if name.startswith(WRITES)}


def told(shop: Shop) -> int:
    """How many events there were on the check, those that a series counts included."""
    return sum((one.get("series") or {"count": 1})["count"] for one in shop.events("checkout"))


@pytest.fixture
def token(shop: Shop) -> Object:
    """What the check expects, for the right audience."""
    return listed("payments", audiences=[AUDIENCE], providerRef={"name": shop.provider()})


def edits(shop: Shop, token: Object) -> list[Callable[[int], object]]:
    """One turns the verdict, one changes the spec beside it, and the others write labels."""

    def audience(number: int) -> None:
        expected = AUDIENCE if number % 2 == 0 else "refunds-api"
        shop.change("checkout", tokens=[token | {"audiences": [expected]}])

    def interval(number: int) -> None:
        shop.change("checkout", interval=f"{10 + number}m")

    def label(person: int) -> Callable[[int], None]:
        def write(number: int) -> None:
            body = {"metadata": {"labels": {f"example.com/{person}": str(number)}}}
            shop.admin.patch("TokenCheck", "checkout", body, shop.namespace)

        return write

    return [audience, interval, *(label(person) for person in range(2, PEOPLE))]


def test_ten_people_edit_spec_and_labels_lose_nothing_and_the_verdict_follows(
    shop: Shop, operator: OperatorProcess, token: Object
) -> None:
    shop.secret("payments", shop.signer.token())
    first = shop.check("checkout", token)["metadata"]["generation"]
    shop.reads("checkout", *GOOD)
    before, failed = writes(operator), operator.metrics()["tokencheck_passes_failed_total"]
    with Patience() as patience:
        took_s = make(edits(shop, token))
        version = shop.secret("payments", shop.signer.token())["metadata"]["resourceVersion"]

        def is_right(found: Object) -> bool:
            return ready(found) == GOOD and token_of(found)["resourceVersion"] == version

        began = time.monotonic()
        found = shop.wait("checkout", is_right, timeout_s=60.0)
        right_s = time.monotonic() - began
    made = {name: count - before.get(name, 0.0) for name, count in writes(operator).items()}
    rate = PEOPLE * EDITS / took_s
    print(f"{rate:.0f} edits a second, right after {right_s:.2f} s, {told(shop)} events, {made}")
    assert right_s < RIGHT_S * patience.worst
    # Nobody's edit is lost.
    assert found["metadata"]["generation"] == first + 2 * EDITS
    assert found["spec"]["interval"] == f"{10 + EDITS}m"
    kept = {f"example.com/{person}": str(EDITS) for person in range(2, PEOPLE)}
    assert found["metadata"]["labels"] == kept
    # A label asks for no status, and what met an edit is written by the pass that follows it.
    assert made[f'{WRITES}{{result="Written"}}'] <= 2 * EDITS + 2
    assert sum(made.values()) <= PEOPLE * EDITS
    assert told(shop) <= EVENTS
    assert operator.metrics()["tokencheck_passes_failed_total"] == failed
    said = {ready(one.object) for one in shop.history("checkout")}
    assert said <= {GOOD, OTHERS, ("Unknown", "Pending"), ("", "")}
