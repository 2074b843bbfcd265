"""A seed becomes cases: good tokens, and those with one to three twists."""

from __future__ import annotations

import random
from collections.abc import Iterator

from oracle.draft import Case, good
from oracle.signers import Ring
from oracle.twists import TWISTS

# One twist alone shows most; two and three show what one hides of another.
_COUNTS = (0, 1, 1, 1, 1, 1, 2, 2, 3)


def cases(seed: int, count: int, ring: Ring) -> Iterator[Case]:
    """So many cases: each twist once alone first, then as the seed will have it."""
    rng = random.Random(seed)
    names = list(TWISTS)
    for place in range(count):
        chosen = [names[place]] if place < len(names) else rng.sample(names, rng.choice(_COUNTS))
        draft = good(rng, ring)
        for name in chosen:
            TWISTS[name](draft)
        yield draft.case(tuple(chosen))
