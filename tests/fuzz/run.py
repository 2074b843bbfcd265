"""Feeds targets in turns; what was an example before is changed a little and fed again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fuzz.targets import Target

LONGEST = 4096  # bytes of an input
KEPT = 64  # examples of a target that are changed


@dataclass(slots=True)
class Fed:
    """What came of one target.

    Args:
        failure: the class of what it raised; it is left alone then.
    """

    target: Target
    inputs: int = 0
    examples: int = 0
    spent_s: float = 0.0
    failure: str = ""

    @property
    def line(self) -> str:
        """One line of the table."""
        rate = self.inputs / self.spent_s if self.spent_s else 0.0
        told = f"FAILED with {self.failure}" if self.failure else "held"
        return f"{self.inputs:>9} {self.examples:>9} {rate:>8.0f}/s  {told:<8} {self.target.test}"


def fed(
    targets: Sequence[Target],
    chance: random.Random,
    goes_on: Callable[[], bool],
    *,
    turn_s: float = 0.5,
) -> list[Fed]:
    """What came of each, turn by turn while `goes_on` and one is left that held."""
    every = [Fed(target) for target in targets]
    kept: dict[str, list[bytes]] = {target.test: [] for target in targets}
    while goes_on() and any(not one.failure for one in every):
        for one in every:
            if not one.failure and goes_on():
                _turn(one, kept[one.target.test], chance, turn_s)
    return every


def _turn(one: Fed, kept: list[bytes], chance: random.Random, turn_s: float) -> None:
    began = time.monotonic()
    spent_s = 0.0
    while not one.failure and (spent_s < turn_s or not spent_s):
        one.inputs += 1
        try:
            read = one.target.feed(_input(kept, chance))
        except Exception as error:  # noqa: BLE001 - whatever a property raises is a find
            one.failure = type(error).__name__
        else:
            one.examples += read is not None
            _keep(kept, read, chance)
        spent_s = time.monotonic() - began
    one.spent_s += spent_s


def _keep(kept: list[bytes], read: bytes | None, chance: random.Random) -> None:
    if read is not None and len(kept) < KEPT:
        kept.append(read)
    elif read is not None:
        kept[chance.randrange(KEPT)] = read


def _input(kept: Sequence[bytes], chance: random.Random) -> bytes:
    """New bytes, or an example with a piece of it replaced."""
    fresh = chance.randbytes(int(LONGEST ** chance.random()))
    if not kept or chance.random() < 0.5:
        return fresh
    base = chance.choice(kept)
    start = chance.randrange(len(base) + 1)
    end = chance.randrange(start, len(base) + 1)
    return (base[:start] + fresh[: 1 + end - start] + base[end:])[:LONGEST]
