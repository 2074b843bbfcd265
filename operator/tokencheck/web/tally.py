"""What is counted since the process started. Every counter of a closed set exists at zero."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from tokencheck.model.finding import Check, Finding, Result
from tokencheck.model.ports import WriteResult

DRIFT_KINDS = (
    "issuer",
    "audiences",
    "subject",
    "scopes",
    "lifetime",
    "algorithm",
    "kind",
    "removed",
)
# Around the goal of one second, and fine where a quiet cluster is (about 10 ms).
REACTION_BOUNDS_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
DURATION_BOUNDS_S = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    60.0,
)


class Distribution:
    """How often a measure fell below each bound."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """Start with nothing measured; `bounds` ascend."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one measure."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    @property
    def sum(self) -> float:
        """Return the sum of all measures."""
        return self._sum

    def cumulated(self) -> Iterator[tuple[str, int]]:
        """Yield (bound, measures not above it), ``+Inf`` last."""
        total = 0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            total += count
            yield bound, total


class Tally:
    """The counters that web keeps itself."""

    def __init__(self) -> None:
        """Start every counter at zero."""
        self.checks = {(check, result): 0 for check in Check for result in Result}
        self.drifts = dict.fromkeys(DRIFT_KINDS, 0)
        self.status_writes = dict.fromkeys(WriteResult, 0)
        self.reactions = Distribution(REACTION_BOUNDS_S)
        self.durations = Distribution(DURATION_BOUNDS_S)

    def judged(self, findings: Iterable[Finding]) -> None:
        """Count findings by check and result."""
        for finding in findings:
            self.checks[finding.check, finding.result] += 1

    def drifted(self, kinds: Iterable[str]) -> None:
        """Count drifts that were not there before; kinds outside the closed list are left out."""
        for kind in kinds:
            if kind in self.drifts:
                self.drifts[kind] += 1

    def wrote(self, result: WriteResult) -> None:
        """Count one status write by its end."""
        self.status_writes[result] += 1

    def reacted(self, seconds: float) -> None:
        """Measure from a Secret's change being seen to the status being written."""
        self.reactions.observe(seconds)

    def took(self, seconds: float) -> None:
        """Measure one whole pass over a TokenCheck."""
        self.durations.observe(seconds)
