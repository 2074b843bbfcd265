"""For how long who gave no answer is left alone. Pure."""

from datetime import timedelta

from tokencheck.core.questions.replies import Faulted

FIRST_RETRY = timedelta(seconds=15)


def pause_after(failures: int, fault: Faulted, *, longest: timedelta, chance: float) -> timedelta:
    """Return a pause that grows, with jitter, and is no shorter than the server asks for.

    Args:
        failures: how many there were in a row, this one included.
        longest: however many there were.
        chance: a random number from 0 to 1.
    """
    grown: timedelta = FIRST_RETRY * 2 ** min(failures - 1, 12)
    wait = min(grown, longest) * (0.5 + chance / 2)
    if fault.retry_after_s is not None:
        wait = max(wait, timedelta(seconds=fault.retry_after_s))
    return wait
