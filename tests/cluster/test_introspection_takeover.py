"""Two replicas: one asks providers about tokens, and the other does when it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from cluster.replicas import Replica, replicas, wait
from cluster.shop import Shop, eventually, ready
from cluster.test_introspection import GOOD, TOKEN, checked, known_as, lives
from controlplane import ControlPlane
from introspector import Introspector
from loopthread import LoopThread

Login: TypeAlias = LoopThread[Introspector]

REVOKED = ("False", "Inactive")


@pytest.fixture
def login() -> Iterator[Login]:
    with LoopThread(Introspector()) as running:
        yield running


@pytest.fixture
def pair(controlplane: ControlPlane, tmp_path: Path) -> Iterator[list[Replica]]:
    with replicas(controlplane, tmp_path) as both:
        yield both


def said(shop: Shop) -> list[tuple[str, str]]:
    """Ready, in every version of the status that was seen."""
    return [ready(seen.object) for seen in shop.history("checkout")]


def test_only_the_leader_asks_and_a_takeover_shows_no_verdict_but_the_right_one(
    shop: Shop, login: Login, pair: list[Replica]
) -> None:
    """The new leader knows nothing, and asks before it says anything."""
    client = f"client-{shop.namespace}"
    shop.admin.apply(known_as(client))
    ref = {"name": client}
    shop.admin.apply(login.inner.provider(shop.namespace, clientCredentialsRef=ref))
    try:
        lives(login, TOKEN)
        shop.secret("payments", TOKEN)
        checked(shop, shop.namespace)
        shop.reads("checkout", *GOOD, timeout_s=120)
        asked = login.inner.asked[TOKEN]
        leader, other = pair
        leader.kill()
        wait(other.leads)
        eventually(lambda: login.inner.asked[TOKEN] > asked, timeout_s=120)
        login.do(lambda server: server.tokens.clear())
        shop.wait("checkout", lambda it: ready(it) == REVOKED, timeout_s=120)
        eventually(lambda: said(shop)[-1] == REVOKED)  # the watch may be behind
        assert set(said(shop)[said(shop).index(GOOD) :]) == {GOOD, REVOKED}
    finally:
        shop.admin.delete("TokenProvider", shop.namespace)
