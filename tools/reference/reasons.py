"""docs/reasons.md: the closed list of reasons, from the code that uses them."""

from tokencheck.core.outcome.stalled import HEALING, TERMINAL
from tokencheck.model.finding import Check
from tokencheck.model.reasons import Reason

_INTRO = """\
# Reasons

<!-- Written by `make docs` from operator/tokencheck/model/reasons.py. -->

One closed list: they are the reasons of conditions and findings, labels of metrics and names of
report rules. **Stalls** says whether `Stalled=True` tells waiting tools to give up: at once, or
only after `gate.graceFor` has passed.

| reason | means | stalls |
|---|---|---|
"""
_CHECKS = """
## Checks

In the order of the chain; the first finding of the worst result names the reason of `Ready`.

"""


def render_reasons() -> str:
    """The page, as Markdown."""
    rows = "".join(f"| `{reason}` | {reason.sentence} | {_stalls(reason)} |\n" for reason in Reason)
    return _INTRO + rows + _CHECKS + "".join(f"1. `{check}`\n" for check in Check)


def _stalls(reason: Reason) -> str:
    if reason in TERMINAL:
        return "at once"
    return "after graceFor" if reason in HEALING else ""
