"""Whatever any await of the operator is answered with: no token text comes out.

Each place where the operator waits, from the first list to the end, is thrown at with exceptions
that carry whole tokens in their text, their cause and their notes. By default each place meets
three of them; TOKENCHECK_AWAITS=all makes each meet all, which takes minutes.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from awaits.kinds import carrying
from awaits.road import Came, Road
from awaits.throwing import Throwing
from logged import logged
from tokencheck.model.errors import ClusterError

MOST_ROUNDS = 1000
# Where the road leads; the awaits of all of them were thrown at, or nothing is proven.
STATIONS = {
    "app.compare",
    "app.passes",
    "clients.egress.client",
    "clients.egress.dial",
    "clients.egress.stream",
    "clients.kube.cache",
    "clients.kube.connection",
    "clients.kube.events",
    "clients.kube.informer",
    "clients.kube.pool",
    "clients.kube.status",
    "clients.kube.token_reviews",
    "clients.kube.transport",
    "engine.engine",
    "gather.ask_token",
    "gather.gather",
    "gather.introspector",
    "gather.keyring",
    "gather.permissions",
    "gather.rights",
    "gather.seen",
    "passes.assess",
    "passes.check",
    "passes.provider",
    "publish.publish",
    "web.server",
}


def travelled(
    road: Road, throwing: Throwing, until: Callable[[bytes], object] | None = None
) -> Came:
    """What came out of rounds until two were quiet, or until it holds of the log.

    A busy machine may be quiet too early, before all stations were met: then a few more follow.
    """
    quiet = 0

    def enough() -> bool:
        return quiet >= (2 if throwing.modules() >= STATIONS else 20)

    with logged("DEBUG") as told:
        while not enough() and road.came.rounds < MOST_ROUNDS:
            quiet = 0 if road.round(throwing) else quiet + 1
            if until and until(told.getvalue().encode()):
                break
    road.came.add("log", told.getvalue().encode())
    return road.came


# Whoever is thrown at while it closes leaves open what it held.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    with Road(tmp_path) as made:
        yield made
    gc.collect()  # here, and not in the next test


def test_an_exception_at_any_await_shows_no_token(road: Road) -> None:
    throwing = carrying(" ".join(tokens.all for tokens in road.tokens))
    came = travelled(road, throwing)
    assert road.sweep().report(came.texts) == []
    # Else this would prove nothing.
    assert throwing.modules() >= STATIONS, STATIONS - throwing.modules()
    assert came.rounds < MOST_ROUNDS
    assert came.statuses > came.rounds
    assert came.events > came.rounds / 2
    assert b"failed with RuntimeError" in came.texts["log"]
    assert b"tokencheck_" in came.texts["/metrics"]


def test_a_token_in_our_own_words_is_found(road: Road) -> None:
    """The text of a ClusterError is ours, and so it is told: one with a token is a leak."""
    leaky = {"our own": lambda: ClusterError(f"the server said {road.tokens[0].all}")}
    sweep = road.sweep()
    came = travelled(road, Throwing(leaky, 1), sweep.hits)
    assert sweep.hits(came.texts["log"])
