"""People edit a check all the time while the operator writes its status: neither loses anything."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from cluster.shop import AUDIENCE, Object, Shop, listed, ready, token_of
from controlplane import OperatorProcess
from faults.patience import Patience

GOOD = ("True", "AllChecksPassed")
OTHERS = ("False", "AudienceMismatch")
CONFLICTS = 'tokencheck_status_writes_total{result="Conflict"}'
LASTS_S = 6.0
A_SECOND = 25  # of each of two people
LEAST = 50  # edits of each, where the machine is busy
RIGHT_S = 5.0


class Editor(threading.Thread):
    """Makes one edit after the other, so many a second; `made` counts them."""

    def __init__(self, edit: Callable[[int], object]) -> None:
        super().__init__(daemon=True)
        self.made = 0
        self.error: Exception | None = None
        self._edit = edit

    def run(self) -> None:
        began = time.monotonic()
        try:
            while time.monotonic() < began + LASTS_S or self.made < LEAST:
                self.made += 1
                self._edit(self.made)
                time.sleep(max(0.0, began + self.made / A_SECOND - time.monotonic()))
        except Exception as error:  # noqa: BLE001 - told by the test
            self.error = error


def made(*edits: Callable[[int], object]) -> list[int]:
    """All of them are made at the same time; how many of each."""
    editors = [Editor(edit) for edit in edits]
    for one in editors:
        one.start()
    for one in editors:
        one.join(LASTS_S * 10)
    assert not [one.error for one in editors if one.error or one.is_alive()]
    return [one.made for one in editors]


@pytest.fixture
def token(shop: Shop) -> Object:
    """What the check expects, for the right audience."""
    return listed("payments", audiences=[AUDIENCE], providerRef={"name": shop.provider()})


def test_up_to_fifty_edits_a_second_of_spec_and_labels_lose_nothing_and_the_verdict_follows(
    shop: Shop, operator: OperatorProcess, token: Object
) -> None:
    """One turns the verdict with each edit of the spec, another one writes labels beside it."""
    shop.secret("payments", shop.signer.token())
    first = shop.check("checkout", token)["metadata"]["generation"]
    shop.reads("checkout", *GOOD)
    before = operator.metrics()

    def spec(number: int) -> None:
        audience = AUDIENCE if number % 2 == 0 else "refunds-api"
        shop.change("checkout", tokens=[token | {"audiences": [audience]}])

    def labels(number: int) -> None:
        body = {"metadata": {"labels": {f"example.com/edit-{number % 10}": str(number)}}}
        shop.admin.patch("TokenCheck", "checkout", body, shop.namespace)

    with Patience() as patience:
        specs, labelled = made(spec, labels)
        version = shop.secret("payments", shop.signer.token())["metadata"]["resourceVersion"]
        expected = GOOD if specs % 2 == 0 else OTHERS

        def is_right(found: Object) -> bool:
            return ready(found) == expected and token_of(found)["resourceVersion"] == version

        began = time.monotonic()
        found = shop.wait("checkout", is_right, timeout_s=60.0)
        took_s = time.monotonic() - began
    assert took_s < RIGHT_S * patience.worst
    assert found["metadata"]["generation"] == first + specs
    kept = {f"example.com/edit-{n % 10}": str(n) for n in range(1, labelled + 1)}
    assert found["metadata"]["labels"] == kept
    now = operator.metrics()
    conflicts = now[CONFLICTS] - before.get(CONFLICTS, 0.0)
    print(f"{specs + labelled} edits, {conflicts:.0f} conflicts, right after {took_s:.2f} s")
    # A write meets at most the edits that came since its read.
    assert conflicts <= specs + labelled
    assert now["tokencheck_passes_failed_total"] == before["tokencheck_passes_failed_total"]
    said = {ready(one.object) for one in shop.history("checkout")}
    assert said <= {GOOD, OTHERS, ("Unknown", "Pending"), ("", "")}
