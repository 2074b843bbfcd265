"""Nobody can make the egress client go where no admin sent it, nor drown or hold it.

Every vector is a request on the island of ``tests/island``: 0 connections to forbidden places, 0
bytes of the token there, nor of the operator's own credentials, counted where they would arrive;
and each control succeeds, with all of them where they belong.
"""

from __future__ import annotations

from collections import Counter

import pytest

from island.enter import Ran
from island.tables import vectors
from island.vector import ANSWER
from island.ways import BODIES

VECTORS = vectors()
MEMORY_KIB = 64 * 1024  # the servers hold answers of 2 MB each; one bomb unpacked has 20 MB


@pytest.mark.parametrize("name", [vector.id for vector in VECTORS])
def test_the_request_ends_as_it_must_and_reaches_nobody_else(ran: Ran, name: str) -> None:
    assert ran.wrong.get(name, []) == []


def test_no_vector_was_left_out_and_none_is_there_twice(ran: Ran) -> None:
    assert ran.count == len(VECTORS) == len({vector.id for vector in VECTORS}) >= 2000


def test_nothing_else_went_wrong_on_the_island(ran: Ran) -> None:
    assert set(ran.wrong) <= {vector.id for vector in VECTORS}, ran.wrong


def test_all_answers_together_cost_little_memory(ran: Ran) -> None:
    assert ran.grown_kib < MEMORY_KIB


def test_every_family_has_enough_vectors_and_many_must_succeed() -> None:
    families = Counter(vector.family for vector in VECTORS)
    assert min(families[name] for name in ("record", "reading", "spelling", "redirect")) > 300
    assert sum(vector.expect == ANSWER for vector in VECTORS) > 200


def test_of_every_family_in_which_it_matters_tokens_are_also_shown_in_bodies() -> None:
    """Beside the operator's own credentials, in a header or in the body too."""
    shown = Counter((vector.family, vector.way) for vector in VECTORS)
    for family in ("redirect", "rebinding", "record", "listing", "tls", "never", "control"):
        assert min(shown[family, way] for way in BODIES) >= 6
