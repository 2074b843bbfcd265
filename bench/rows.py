"""The rows of the table, and the target that each is judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.contenders import GO, KUBECTL, OPERATOR, PYTHON
from bench.summary import Figures

Results = Mapping[str, Mapping[str, Figures]]
"""Stage -> contender -> figure -> value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the operator's value must hold against the other's (None when it was not measured)."""

    text: str
    holds: Callable[[float, float], bool]
    needs_other: bool = True


NOT_ABOVE = Target(text="not above Go", holds=lambda own, other: own <= other)
BELOW = Target(text="below Go", holds=lambda own, other: own < other)
HALF = Target(text="below half of kubectl", holds=lambda own, other: own < other / 2)


def times(factor: float, what: str) -> Target:
    """At most that many times what the other takes."""
    return Target(
        text=f"at most {factor:g} x {what}", holds=lambda own, other: own <= factor * other
    )


def at_most(limit: float, unit: str) -> Target:
    """A target that needs nobody to compare with."""
    return Target(
        text=f"at most {limit:g} {unit}".strip(),
        holds=lambda own, _: own <= limit,
        needs_other=False,
    )


def below(limit: float, unit: str) -> Target:
    """A target that needs nobody to compare with."""
    return Target(
        text=f"below {limit:g} {unit}".strip(),
        holds=lambda own, _: own < limit,
        needs_other=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; rows without a target inform."""

    stage: str
    figure: str
    label: str
    unit: str = ""
    target: Target | None = None
    digits: int = 0
    other: str = GO

    def values(self, results: Results) -> tuple[float | None, float | None]:
        """The operator's value and the other's."""
        stage = results.get(self.stage, {})
        own, other = (stage.get(name, {}).get(self.figure) for name in (OPERATOR, self.other))
        return own, other

    def verdict(self, results: Results) -> bool | None:
        """Whether the target holds; None without a target or without the values for it."""
        own, other = self.values(results)
        if self.target is None or own is None or (self.target.needs_other and other is None):
            return None
        return self.target.holds(own, other if other is not None else 0.0)


def _latency(figure: str, label: str, unit: str, target: Target | None, digits: int = 0) -> Row:
    return Row(stage="latency", figure=figure, label=label, unit=unit, target=target, digits=digits)


def _expiry(figure: str, label: str, unit: str, target: Target | None, digits: int = 0) -> Row:
    return Row(stage="expiry", figure=figure, label=label, unit=unit, target=target, digits=digits)


ROWS = (
    _latency("to_false_p50_ms", "Secret PUT to Ready=False, p50", "ms", NOT_ABOVE, 1),
    _latency("to_false_p90_ms", "Secret PUT to Ready=False, p90", "ms", None, 1),
    _latency("to_false_p99_ms", "Secret PUT to Ready=False, p99", "ms", NOT_ABOVE, 1),
    _latency("to_false_max_ms", "Secret PUT to Ready=False, slowest", "ms", None, 1),
    _latency("to_true_p50_ms", "Secret PUT to Ready=True, p50", "ms", NOT_ABOVE, 1),
    _latency("to_true_p99_ms", "Secret PUT to Ready=True, p99", "ms", NOT_ABOVE, 1),
    _latency("put_p50_ms", "of which the answer to the PUT, p50", "ms", None, 1),
    _latency("put_p99_ms", "of which the answer to the PUT, p99", "ms", None, 1),
    _latency("lost_flips", "changes never seen", "", at_most(0, "")),
    _latency("cpu_per_change_ms", "CPU for each changed Secret", "ms", NOT_ABOVE, 2),
    _latency("writes_per_change", "writes for each changed Secret", "", None, 2),
    _latency("server_cpu_per_change_ms", "CPU of API server and etcd for each", "ms", None, 1),
    _latency("rss_mib", "memory after the changes", "MiB", BELOW),
    _latency("peak_mib", "memory at most", "MiB", BELOW),
    _latency("first_verdicts_s", "start to all first verdicts", "s", BELOW, 1),
    _latency("idle_cpu_percent", "CPU at rest", "% of a core", below(1, "%"), 2),
    _latency("idle_writes", "writes at rest", "", at_most(0, "")),
    _expiry("steady_p50_ms", "exp to Ready=False, spread out, p50", "ms", None),
    _expiry("steady_p99_ms", "exp to Ready=False, spread out, p99", "ms", below(1000, "ms")),
    _expiry("burst_p50_ms", "exp to Ready=False, all at once, p50", "ms", None),
    _expiry("burst_p99_ms", "exp to Ready=False, all at once, p99", "ms", NOT_ABOVE),
    _expiry("lost_expiries", "ends never seen", "", at_most(0, "")),
    _expiry("first_verdicts_s", "start to all first verdicts", "s", None, 1),
    _expiry("rss_mib", "memory", "MiB", None),
    Row(
        stage="memory",
        figure="rss_mib",
        label="memory at rest",
        unit="MiB",
        target=below(120, "MiB"),
    ),
    Row(stage="memory", figure="peak_mib", label="memory at most", unit="MiB", target=BELOW),
    Row(
        stage="memory",
        figure="first_verdicts_s",
        label="start to all first verdicts",
        unit="s",
        digits=1,
    ),
    Row(
        stage="audit",
        figure="seconds",
        label="tokencheck audit, beside kubectl get",
        unit="s",
        target=HALF,
        digits=1,
        other=KUBECTL,
    ),
    Row(
        stage="audit",
        figure="peak_mib",
        label="memory at most",
        unit="MiB",
        target=below(150, "MiB"),
        other=KUBECTL,
    ),
    Row(
        stage="cold",
        figure="verify_ms",
        label="CPU of tokencheck verify --jwks, beside import jwt",
        unit="ms",
        target=times(1.5, "import jwt"),
        other=PYTHON,
    ),
    Row(
        stage="cold",
        figure="help_ms",
        label="CPU of tokencheck --help, beside python -c pass",
        unit="ms",
        target=times(5, "python"),
        other=PYTHON,
    ),
)
