"""An independent implementation judges what a seed makes, and no verdict differs.

TOKENCHECK_ORACLE=100000 makes more tokens, TOKENCHECK_ORACLE_SEED=7 others.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from oracle.compare import difference
from oracle.draft import Case
from oracle.generate import cases
from oracle.gojose import GoJose
from oracle.judged import WARNINGS, faults_of
from oracle.rules import RULES
from oracle.signers import Ring, ring
from oracle.twists import TWISTS

SEED = int(os.environ.get("TOKENCHECK_ORACLE_SEED", "7519"))
COUNT = int(os.environ.get("TOKENCHECK_ORACLE", "5000"))
WORDS = {"malformed", "algorithm", "unknown-key", "signature", "issuer", "audience"}
WORDS |= {"expired", "not-yet", "issued-in-future"}
WORDS |= {f"{name}-form" for name in ("exp", "nbf", "iat", "iss", "aud", "sub", "jti")}
SHOWN = 5


@dataclass
class Tally:
    """What a run came to.

    Args:
        differing: the first of them, whole: a case is replayed from its text.
    """

    differences: int = 0
    differing: list[str] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    good: int = 0
    good_by_twist: Counter[str] = field(default_factory=Counter)

    def take(self, case: Case, ours: frozenset[str], theirs: frozenset[str]) -> None:
        """Count one case."""
        self.words.update(theirs)
        if theirs <= WARNINGS and ours <= WARNINGS:
            self.good += 1
            self.good_by_twist.update(case.twists)
        found = difference(case, ours, theirs)
        self.rules.update(found.rules)
        if found:
            self.differences += 1
            told = f"{sorted(ours)} and go-jose {sorted(theirs)}: {case}"
            self.differing = [*self.differing, told][:SHOWN]

    def __str__(self) -> str:
        counts = (dict(self.words.most_common()), dict(self.rules.most_common()))
        return (
            f"seed {SEED}, {COUNT} tokens, {self.good} good, faults {counts[0]}, rules {counts[1]}"
        )


@pytest.fixture(scope="module")
def keys() -> Ring:
    return ring()


@pytest.fixture(scope="module")
def go() -> Iterator[GoJose]:
    with GoJose() as library:
        yield library


@pytest.fixture(scope="module")
def tally(keys: Ring, go: GoJose) -> Tally:
    made = Tally()
    for case in cases(SEED, COUNT, keys):
        made.take(case, faults_of(case), go.faults_of(case))
    print(made)
    return made


def test_not_one_verdict_differs_from_the_library_s(tally: Tally) -> None:
    told = "\n".join(tally.differing)
    assert not tally.differences, f"{tally.differences} differ ({tally}); we say\n{told}"


def test_each_rule_by_which_we_are_stricter_occurs(tally: Tally) -> None:
    assert {rule.name for rule in RULES} == set(tally.rules)


def test_each_fault_that_the_library_knows_occurs(tally: Tally) -> None:
    assert set(tally.words) == WORDS


def test_a_quarter_of_the_tokens_is_good_and_so_are_some_of_most_twists(tally: Tally) -> None:
    assert tally.good > COUNT / 4
    assert len(tally.good_by_twist) > len(TWISTS) / 2


def test_a_seed_makes_the_same_cases_again(keys: Ring) -> None:
    def first(seed: int) -> list[tuple[tuple[str, ...], int, tuple[str, ...]]]:
        return [(c.twists, c.now, c.algorithms) for c in cases(seed, 300, keys)]

    assert first(1) == first(1)
    assert first(1) != first(2)


NONE = frozenset[str]()
WRONG = {
    "an unsigned token is taken": (NONE, frozenset({"algorithm"})),
    "a broken token is taken": (NONE, frozenset({"malformed"})),
    "a stranger's signature is taken": (NONE, frozenset({"signature"})),
    "a key of another name is taken": (NONE, frozenset({"unknown-key"})),
    "an expired token is taken": (NONE, frozenset({"expired"})),
    "an expired one is only said to be of a stranger": (
        frozenset({"signature"}),
        frozenset({"signature", "expired"}),
    ),
    "a good token is refused": (frozenset({"signature"}), NONE),
    "a good token is said to have ended": (frozenset({"expired"}), NONE),
    "a warning is not told": (NONE, frozenset({"issued-in-future"})),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_verdict_is_a_difference(keys: Ring, wrong: str) -> None:
    ours, theirs = WRONG[wrong]
    plain = next(c for c in cases(SEED, len(TWISTS) + 200, keys) if not c.twists)
    assert difference(plain, ours, theirs)
