"""Each invariant holds over a sound history, and turns red by the bug that it is there for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cluster.shop import Signer
from faults.excuses import Cost
from faults.leaks import Leaks
from faults.oracle import Oracle
from faults.plot import BEGIN, SIGNER, Plot, good, stamp

PASSED, ENDED = ("True", "AllChecksPassed"), ("False", "TokenExpired")
WARNED = ("True", "PassedWithWarnings")
MISSING = ("False", "SecretNotFound")
VERIFIED, TOLD_EXPIRED = "TokenVerified", "TokenExpired"
ROLLING = ("Unknown", "RolloutInProgress")
GOOD, EXPIRED = good(), good(exp=int(BEGIN) - 50)


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with Oracle() as made:
        yield made


@pytest.fixture
def plot(oracle: Oracle) -> Plot:
    """A check with a good token that is judged, and told, within a second."""
    made = Plot(oracle)
    version = made.secret(0, GOOD)
    made.made(1)
    made.status(1.5, PASSED, version)
    made.told(1.6, VERIFIED)
    return made


def test_a_sound_history_has_no_breach(plot: Plot) -> None:
    bad = plot.secret(30, EXPIRED)
    plot.status(30.2, ENDED, bad)
    plot.told(30.3, TOLD_EXPIRED)
    plot.secret(60, None)
    plot.status(60.2, MISSING, 0)
    again = plot.secret(61, GOOD)
    plot.status(61.2, PASSED, again)
    plot.told(61.3, VERIFIED)
    assert plot.breaches(100) == []


def rolls_out(plot: Plot) -> None:
    """The first release is rolled out and verified; the second one is under way."""
    plot.release(0.5, 1, settled=True)
    plot.status(2, PASSED, 101, rolled=1)
    plot.release(40, 2, settled=False)
    plot.status(40.2, ROLLING, 101, rolled=2)


def test_a_release_waits_until_it_is_rolled_out(plot: Plot) -> None:
    rolls_out(plot)
    plot.release(60, 2, settled=True)
    plot.status(60.2, PASSED, 101)
    plot.told(60.3, VERIFIED)
    assert plot.breaches(100) == []


def test_a_failure_does_not_wait_for_the_release(plot: Plot) -> None:
    rolls_out(plot)
    plot.status(50.2, ENDED, plot.secret(50, EXPIRED))
    plot.told(50.3, TOLD_EXPIRED)
    assert plot.breaches(100) == []


def test_what_fails_may_fail_again_with_each_release(plot: Plot) -> None:
    plot.release(0.5, 1, settled=True)
    plot.status(2, PASSED, 101, rolled=1)
    bad = plot.secret(30, EXPIRED)
    plot.status(30.2, ENDED, bad)
    plot.told(30.3, TOLD_EXPIRED)
    plot.release(40, 2, settled=False)
    plot.status(40.2, ROLLING, bad, rolled=2)
    plot.status(40.4, ENDED, bad)
    assert plot.breaches(100) == []


def test_a_clock_that_is_ahead_may_tell_an_end_too_early_and_no_other_may(plot: Plot) -> None:
    version = plot.secret(30, good(exp=int(BEGIN) + 60))
    plot.status(30.2, WARNED, version)
    plot.status(58, ENDED, version)
    plot.told(58.1, TOLD_EXPIRED)
    assert {one.invariant for one in plot.breaches(100)} >= {"S2"}
    window = plot.excuses.open("clock steps", Cost(ahead_s=3.0), BEGIN + 55)
    plot.excuses.close(window, BEGIN + 59)
    assert plot.breaches(100) == []


def calls_a_release_good_that_is_not_rolled_out(plot: Plot) -> None:
    rolls_out(plot)
    plot.status(50.2, PASSED, 101)


def never_follows_a_release(plot: Plot) -> None:
    rolls_out(plot)
    plot.release(60, 3, settled=False)


def never_sees_that_a_release_is_rolled_out(plot: Plot) -> None:
    rolls_out(plot)
    plot.release(60, 2, settled=True)


def tells_no_end_of_a_release(plot: Plot) -> None:
    rolls_out(plot)
    plot.release(60, 2, settled=True)
    plot.status(60.2, PASSED, 101)


def waits_for_a_release_of_nothing(plot: Plot) -> None:
    plot.status(30.2, ROLLING, 101)
    plot.status(30.4, PASSED, 101)


def says_true_of_a_bad_one(plot: Plot) -> None:
    plot.status(30.2, PASSED, plot.secret(30, EXPIRED))


def says_false_of_a_good_one(plot: Plot) -> None:
    plot.status(30.2, ENDED, plot.secret(30, GOOD))


def names_a_version_that_was_replaced_long_ago(plot: Plot) -> None:
    old = plot.secret(30, EXPIRED)
    new = plot.secret(31, GOOD)
    plot.status(31.2, PASSED, new)
    plot.status(60, ENDED, old)
    plot.status(60.1, PASSED, new)


def names_no_version(plot: Plot) -> None:
    plot.secret(30, GOOD)
    plot.status(30.2, PASSED, 0)


def goes_back(plot: Plot) -> None:
    old = plot.secret(30, good())
    new = plot.secret(31, good())
    plot.status(31.2, PASSED, new)
    plot.status(31.3, PASSED, old)
    plot.status(31.4, PASSED, new)


def misses_the_end(plot: Plot) -> None:
    token = good(exp=int(BEGIN) + 60)
    plot.status(1.9, PASSED, plot.secret(1.8, token))


def moves_the_time_alone(plot: Plot) -> None:
    version = plot.secret(30, good())
    plot.status(30.2, PASSED, version, since=stamp(30))


def keeps_the_time_of_another_status(plot: Plot) -> None:
    bad = plot.secret(30, EXPIRED)
    plot.status(30.2, ENDED, bad, since=stamp(1.5))
    plot.told(30.3, TOLD_EXPIRED)


def does_not_know_without_a_fault(plot: Plot) -> None:
    plot.status(30.2, ("Unknown", "ReadFailed"), 0)
    plot.status(30.4, PASSED, 101)


def never_sees_a_change(plot: Plot) -> None:
    plot.secret(30, good())


def never_sees_a_spec(plot: Plot) -> None:
    plot._generation = 2  # noqa: SLF001 - the plot is ours
    plot.status(30.2, PASSED, 101, observed=1)


def tells_nothing(plot: Plot) -> None:
    plot.status(30.2, ENDED, plot.secret(30, EXPIRED))


def flaps(plot: Plot) -> None:
    bad = plot.secret(30, EXPIRED)
    plot.status(30.2, ENDED, bad)
    plot.told(30.3, TOLD_EXPIRED)
    plot.status(33, PASSED, 101)
    plot.status(34, ENDED, bad)


def writes_for_nothing(plot: Plot) -> None:
    plot.quiet = 50
    plot.status(70, PASSED, 101)
    plot.status(71, ("True", "PassedWithWarnings"), 101)
    plot.status(71.1, PASSED, 101)


BUGS: dict[Callable[[Plot], None], str] = {
    calls_a_release_good_that_is_not_rolled_out: "S1",
    never_follows_a_release: "L1",
    never_sees_that_a_release_is_rolled_out: "L1",
    tells_no_end_of_a_release: "L2",
    waits_for_a_release_of_nothing: "U1",
    says_true_of_a_bad_one: "S1",
    says_false_of_a_good_one: "S2",
    names_a_version_that_was_replaced_long_ago: "S2",
    names_no_version: "S1",
    goes_back: "S3",
    misses_the_end: "S4",
    moves_the_time_alone: "S5",
    keeps_the_time_of_another_status: "S5",
    does_not_know_without_a_fault: "U1",
    never_sees_a_change: "L1",
    never_sees_a_spec: "L1",
    tells_nothing: "L2",
    flaps: "L2",
    writes_for_nothing: "L1",
}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_turns_its_invariant_red(plot: Plot, bug: Callable[[Plot], None]) -> None:
    bug(plot)
    found = {breach.invariant for breach in plot.breaches(100)}
    assert BUGS[bug] in found, found


def drifting(oracle: Oracle, *, tells: bool, sees: bool) -> set[str]:
    """What is broken when a token drifts and comes back."""
    plot = Plot(oracle, "drifting")
    version = plot.secret(0, GOOD)
    plot.made(1)
    plot.status(1.5, PASSED, version, drifted=False)
    plot.told(1.6, VERIFIED)
    broad = plot.secret(30, good(scope="payments:read payments:write payments:admin"))
    plot.status(30.2, WARNED, broad, drifted=sees)
    if tells:
        plot.told(30.3, "TokenDrifted")
    back = plot.secret(60, good())
    plot.status(60.2, PASSED, back, drifted=False)
    found = plot.breaches(100)
    return {breach.invariant for breach in found if breach.invariant != "S5"}


def test_a_drift_is_one_transition_there_and_back_and_an_event(oracle: Oracle) -> None:
    assert drifting(oracle, tells=True, sees=True) == set()
    assert drifting(oracle, tells=False, sees=True) == {"L2"}
    assert drifting(oracle, tells=True, sees=False) == {"L2"}


def test_what_stood_for_a_moment_counts_when_the_world_rested_in_it(plot: Plot) -> None:
    plot.status(30.2, PASSED, plot.secret(30, EXPIRED))
    plot.status(33.2, PASSED, plot.secret(33, GOOD))
    assert "L2" not in {breach.invariant for breach in plot.breaches(100)}
    plot.rests = ((10, 11), (31, 32))
    assert "L2" in {breach.invariant for breach in plot.breaches(100)}


def test_a_pulse_may_begin_and_end_while_nothing_changes(plot: Plot) -> None:
    plot.quiet = 50
    plot.status(70, PASSED, 101, pulse=True)
    plot.status(75, PASSED, 101)
    assert plot.breaches(100) == []
    plot.status(80, ("True", "PassedWithWarnings"), 101)
    assert {breach.invariant for breach in plot.breaches(100)} == {"S1", "L1"}


def test_a_number_that_a_restore_gives_out_again_is_another_version(plot: Plot) -> None:
    ended = plot.secret(30, EXPIRED)
    plot.status(30.2, ENDED, ended)
    plot.restored(50, ended - 1)
    again = plot.secret(50.1, GOOD)
    assert again == ended
    plot.status(50.2, PASSED, again)
    assert plot.breaches(100) == []
    plot.restored(60, again)
    plot.status(60.1, ENDED, again)  # by its number the version that was right
    assert {breach.invariant for breach in plot.breaches(100)} == {"L1"}


def test_a_generation_that_a_restore_undid_need_not_be_judged(plot: Plot) -> None:
    plot.change()
    plot.status(30.2, PASSED, 101, observed=1)
    plot.restored(31, 102)
    plot.status(31.1, PASSED, 101)
    assert plot.breaches(100) == []
    plot.change()
    plot.status(40.1, PASSED, 101, observed=1)
    assert {breach.invariant for breach in plot.breaches(100)} == {"L1"}


def test_nobody_wrote_what_a_restore_brings_back(plot: Plot) -> None:
    plot.status(30.2, ENDED, plot.secret(30, EXPIRED))
    plot.history.rewound(BEGIN + 50)
    plot.status(50.2, PASSED, 101, since=stamp(1.5))
    assert "S5" not in {breach.invariant for breach in plot.breaches(100)}
    plot.history.rewinds.clear()
    assert "S5" in {breach.invariant for breach in plot.breaches(100)}


def test_a_change_that_a_restore_undid_owes_no_transition(plot: Plot) -> None:
    plot.secret(30, EXPIRED)
    plot.history.rewound(BEGIN + 60)
    plot.secret(60.5, GOOD)
    assert "L2" not in {breach.invariant for breach in plot.breaches(100)}
    plot.history.rewinds.clear()
    assert "L2" in {breach.invariant for breach in plot.breaches(100)}


def test_a_check_that_a_restore_undid_owes_nothing(plot: Plot) -> None:
    plot.uid = "again"
    plot.status(20, PASSED, 101)
    plot.history.rewound(BEGIN + 25)
    plot.uid = "u"
    plot.status(25, PASSED, 101, since=stamp(1.5))
    plot.status(30.2, ENDED, plot.secret(30, EXPIRED))
    plot.told(30.3, TOLD_EXPIRED)
    assert [breach for breach in plot.breaches(100) if breach.invariant == "L1"] == []


def test_a_fault_excuses_what_it_may_cost_and_no_more(plot: Plot) -> None:
    window = plot.excuses.open("frozen watches", Cost(fresh_s=30), BEGIN + 29)
    plot.excuses.close(window, BEGIN + 31)
    version = plot.secret(30, good())
    plot.status(65, PASSED, version)
    assert plot.breaches(100) == []
    late = plot.secret(66, good())
    plot.status(80, PASSED, late)
    assert {breach.invariant for breach in plot.breaches(100)} == {"L1"}


def test_a_lie_is_excused_by_no_fault(plot: Plot) -> None:
    cost = Cost(fresh_s=1000, late_s=1000, unknown=True)
    plot.excuses.open("everything", cost, BEGIN)
    plot.status(30.2, PASSED, plot.secret(30, Signer().token()))
    assert "S1" in {breach.invariant for breach in plot.breaches(100)}


def test_a_token_is_found_wherever_it_leaks() -> None:
    leaks = Leaks()
    token = SIGNER.token(canary=leaks.token)
    leaks.look("TokenCheck shop/payments", {"status": {"message": "fine"}, "metadata": {}})
    assert leaks.found == []
    leaks.look("TokenCheck shop/payments", {"status": {"message": f"bad: {token}"}})
    assert leaks.found
