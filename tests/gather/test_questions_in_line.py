"""A question that waits its turn is looked at again before it goes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gather.test_introspector import Bench, keys
from tokencheck.model.admission import Enforcement


def went(bench: Bench) -> None:
    bench.world.gone.add(keys(1)[0])


def lost(bench: Bench) -> None:
    resolved = {"type": "Resolved", "status": "Unknown", "reason": "AccessRevoked"}
    bench.world.status = {"observedGeneration": 1, "conditions": [resolved]}


def opened(bench: Bench) -> None:
    bench.enforced["shop"] = Enforcement.UNGUARDED


@pytest.mark.parametrize("meanwhile", [went, lost, opened])
async def test_who_waited_in_line_while_his_right_went_is_not_asked_for(
    bench: Bench, meanwhile: Callable[[Bench], None]
) -> None:
    """Thousands stand in line for minutes; each is looked at again when its turn comes."""
    tokens = [f"waits-{number}" for number in range(20)]
    for token in tokens:
        bench.look(token, keys(1)[0])
    meanwhile(bench)
    await bench.quiet()
    assert not bench.server.asked
    bench.world.gone.clear()
    bench.world.status, bench.enforced["shop"] = {}, Enforcement.PROVEN
    await bench.asked(tokens[0])
    assert bench.server.asked == {tokens[0]: 1}
