"""Questions about tokens come neither all at once nor faster than a host bears."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gather.test_introspector import CHECK, MINUTES_10, ROOM, Bench, assessed
from introspector import Introspector
from tokencheck.clients.egress.client import Egress
from tokencheck.core.questions.liveness import TOKENS_IN_A_ROW
from tokencheck.model.activity import ActivityState
from tokencheck.model.reasons import Reason


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with Introspector() as server:
        server.tokens["t1"] = {}
        bench = Bench(server.provider())
        bench.server = server
        yield bench
        await bench.asking.close()


async def test_a_question_for_which_its_host_has_no_turn_is_no_fault_of_the_provider(
    bench: Bench,
) -> None:
    bench.asking = bench.made(asker=Egress(per_second=0.001, at_once=1))
    await bench.asked("t1")
    for number in range(TOKENS_IN_A_ROW):
        found = await bench.asked(f"x{number}")
        assert (found.state, found.reason) == (ActivityState.FAULTED, Reason.NOT_ASKED)
        assert "too many other questions wait" in found.detail
    standing = bench.asking.standing("login")
    assert standing is not None
    assert standing.reason is None
    assert (await bench.asked("t1", after=MINUTES_10)).state is ActivityState.KNOWN
    assert bench.server.asked == {"t1": 1}


async def test_tokens_of_one_start_spread_over_the_last_tenth_of_their_interval(
    bench: Bench,
) -> None:
    """After a restart each has the same place again."""
    rounds = []
    for _ in range(2):
        bench.asking = bench.made()
        found = {}
        for number in range(ROOM):
            bench.look(f"x{number}")
        await bench.quiet()
        for number in range(ROOM):
            token = f"x{number}"
            known = assessed(bench.look(token), token)
            found[token] = bench.asking.again_at(CHECK, known, bench.now)
        rounds.append(found)
        await bench.asking.close()
    moments = [at for at in rounds[0].values() if at is not None]
    assert len(set(moments)) > ROOM / 2
    assert min(moments) >= bench.now + 0.9 * MINUTES_10
    assert max(moments) <= bench.now + MINUTES_10
    assert max(moments) - min(moments) > 0.08 * MINUTES_10
    assert rounds[0] == rounds[1]
