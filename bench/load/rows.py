"""The rows of each stage's table, and the limit that a figure is held to."""

from __future__ import annotations

from dataclasses import dataclass

from bench.load.outcome import Point
from bench.rows import Target, at_most, below


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRow:
    """One line; rows without a target inform."""

    figure: str
    label: str
    unit: str = ""
    digits: int = 0
    target: Target | None = None

    def missed(self, point: Point) -> bool:
        """Whether the figure is there and its target is not reached."""
        value = point.figures.get(self.figure)
        return value is not None and self.target is not None and not self.target.holds(value, 0.0)

    def shown(self, point: Point) -> str:
        """The value with its unit, "" without one."""
        value = point.figures.get(self.figure)
        return "" if value is None else f"{value:,.{self.digits}f} {self.unit}".strip()


def _row(
    figure: str, label: str, unit: str = "", target: Target | None = None, *, digits: int = 0
) -> LoadRow:
    return LoadRow(figure=figure, label=label, unit=unit, target=target, digits=digits)


_MEMORY = (
    _row("rss_mib", "memory", "MiB"),
    _row("peak_mib", "memory at most", "MiB"),
)
_NONE = at_most(0, "")

ROWS: dict[str, tuple[LoadRow, ...]] = {
    "scale": (
        _row("first_verdicts_s", "start to all first verdicts", "s", digits=1),
        _row("start_requests", "requests of the start"),
        _row("start_read_mib", "answers to reads of the start", "MiB", digits=1),
        _row("start_watch_mib", "watch events of the start", "MiB", digits=1),
        _row("queue_depth_max", "queue at most"),
        *_MEMORY,
        _row("idle_cpu_percent", "CPU at rest", "% of a core", below(1, "%"), digits=2),
        _row("idle_writes", "writes at rest", "", _NONE),
        _row("to_false_p50_ms", "Secret PUT to Ready=False, p50", "ms", digits=1),
        _row("to_false_p99_ms", "Secret PUT to Ready=False, p99", "ms", digits=1),
        _row("cpu_per_change_ms", "CPU for each changed Secret", "ms", digits=2),
        _row("requests_per_change", "requests for each changed Secret", digits=2),
        _row("read_kib_per_change", "read for each changed Secret", "KiB", digits=1),
        _row("lost_flips", "changes never seen", "", _NONE),
        _row("steady_p99_ms", "exp to Ready=False, spread out, p99", "ms", below(1000, "ms")),
        _row("burst_p99_ms", "exp to Ready=False, all at once, p99", "ms"),
        _row("lost_expiries", "ends never seen", "", _NONE),
    ),
    "burst": (
        _row("flip_p50_ms", "PUT to Ready=False, p50", "ms"),
        _row("flip_p99_ms", "PUT to Ready=False, p99", "ms"),
        _row("all_s", "first PUT to last Ready=False", "s", digits=1),
        _row("lost_flips", "changes never seen", "", _NONE),
        _row("requests_per_change", "requests for each verdict", digits=2),
        _row("cpu_per_change_ms", "CPU for each verdict", "ms", digits=2),
        _row("queue_depth_max", "queue at most"),
        _row("throttled", "requests that were throttled (429)"),
        *_MEMORY,
    ),
    "noisy": (
        _row("created_s", "the noisy checks were made within", "s", digits=1),
        _row("judged_s", "first one made to last one judged", "s", digits=1),
        _row("victim_p50_ms", "victims, PUT to Ready, p50", "ms"),
        _row("victim_p99_ms", "victims, PUT to Ready, p99", "ms", below(5000, "ms")),
        _row("victim_max_ms", "victims, slowest", "ms"),
        _row("lost_flips", "changes never seen", "", _NONE),
        _row("queue_depth_max", "queue at most"),
        _row("rss_mib", "memory", "MiB"),
        _row("peak_mib", "memory at most", "MiB", below(512, "MiB")),
    ),
    "teams": (
        _row("made_s", "until the last TokenCheck is made", "s", digits=1),
        _row("judged_s", "until the last one is judged", "s", digits=1),
        _row("said_s", "until the ClusterTokenCheck says that all are good", "s", digits=1),
        _row("made_in_a_second", "TokenChecks made within a second, at most"),
        _row("doubles", "TokenChecks beyond one for each Deployment", "", _NONE),
        _row("requests_per_s", "requests, with those for the victims", "1/s"),
        _row("requests_most_per_s", "the same, in the busiest second", "1/s"),
        _row("cpu_percent", "CPU", "% of a core"),
        _row("queue_depth_max", "queue at most"),
        _row("victim_p50_ms", "victims, PUT to Ready, p50", "ms"),
        _row("victim_p99_ms", "victims, PUT to Ready, p99", "ms", below(1000, "ms")),
        _row("victim_max_ms", "victims, slowest", "ms"),
        _row("lost_flips", "changes never seen", "", _NONE),
        _row("template_s", "a new template, until all are judged by it", "s", digits=1),
        _row("template_writes", "writes for each TokenCheck", digits=2),
        _row("opt_out_s", "a team opts out, until its TokenChecks are gone", "s", digits=1),
        _row("opt_out_writes", "writes for each of them", digits=2),
        _row("rss_mib", "memory", "MiB"),
        _row("peak_mib", "memory at most", "MiB", below(512, "MiB")),
    ),
    "soak": (
        _row("hours", "duration", "h", digits=2),
        _row("changes_per_h", "changes an hour"),
        _row("rss_mib_per_h", "memory, slope", "MiB/h", at_most(4, "MiB/h"), digits=2),
        _row("rss_mib", "memory at the end", "MiB"),
        _row("tasks_per_h", "tasks, slope", "1/h", at_most(1, "1/h"), digits=2),
        _row("fds_per_h", "open files, slope", "1/h", at_most(1, "1/h"), digits=2),
        _row("etcd_mib_per_h", "etcd in use, slope", "MiB/h", at_most(64, "MiB/h"), digits=1),
        _row("writes_per_change", "status writes for each change", "", at_most(1.1, ""), digits=2),
        _row("status_writes_per_h", "status writes an hour"),
        _row("events_per_h", "Events written an hour"),
        _row("events_per_budget", "Events, share of their budget", "", at_most(1, ""), digits=2),
        _row("flap_lost", "flaps never seen", "", _NONE),
        _row("cpu_percent", "CPU", "% of a core", digits=1),
        _row("passes_failed", "passes that failed", "", _NONE),
    ),
}
