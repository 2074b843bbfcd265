"""How long a pass that could not end waits for its next try. Pure.

Pauses double from a fifth of a second. They end at a minute, unless a read failed that the next try
may well get answered: nobody tells of that moment, so it is looked for every few seconds. Of
thousands of such checks each waits longer, so that all of them together ask as often as a few do.
"""

FIRST_S = 0.1
LAST_S = 60.0
# A burst of faults is over, and the check that it struck is right again within this time.
UNREAD_S = 3.0
# Passes; each is one to three requests, of the thousand a second that a process may send.
UNREAD_PER_S = 50.0
_DOUBLINGS = 16  # of FIRST_S are beyond every limit


def wait_s(failures: int, chance: float, *, last_s: float = LAST_S) -> float:
    """Return the seconds until the next try.

    Args:
        failures: tries that failed in a row, this one included; at least 1.
        chance: from 0 to 1: up to half of the pause is left out, so that many spread out.
        last_s: the longest pause.
    """
    longest_s = min(last_s, FIRST_S * 2.0 ** min(failures, _DOUBLINGS))
    return longest_s * (1 + chance) / 2


def last_unread_s(waiting: int) -> float:
    """Return the longest pause of a check that could not be read.

    Args:
        waiting: how many such checks there are: to about 3,000 they try 50 to 70 times a second
            together, and beyond that each once in 30 to 60 s.
    """
    return min(LAST_S, max(UNREAD_S, waiting / UNREAD_PER_S))
