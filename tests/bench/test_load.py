"""What the load stages make of measured numbers: tables, limits, curves, the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import pytest
from bench.cluster import counters_of
from bench.load import LOADS
from bench.load.curves import draw, lines_of
from bench.load.meter import Looks
from bench.load.outcome import Outcome, Point, outcome_in
from bench.load.page import write_loads
from bench.load.rows import ROWS
from bench.load.stages.teams import is_done
from bench.load.tables import markdown, marks, missed
from bench.options import Counts, Duration
from bench.sizes import LOAD_SIZES
from bench.summary import most_within, slope, spread, steepest

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def point(checks: int, secrets: int, **figures: float) -> Point:
    return Point(
        title=f"{checks} checks",
        group=f"{secrets} other Secrets",
        sizes={"checks": checks, "secrets": secrets},
        figures=figures,
    )


def outcome(*points: Point, stage: str = "scale") -> Outcome:
    return Outcome(
        stage=stage,
        scale="small",
        date="2026-01-01",
        machine={"cores": "2"},
        versions={"Python": "3.11"},
        points=list(points),
    )


FOUR = [
    point(checks, secrets, peak_mib=checks + secrets, idle_writes=0.0)
    for secrets in (10, 20)
    for checks in (2, 1)
]


def test_an_outcome_that_was_kept_is_read_as_it_was(tmp_path: Path) -> None:
    made = outcome(*FOUR)
    assert outcome_in(made.write(tmp_path)) == made


def test_each_group_has_a_table_of_its_own_with_the_rows_that_have_figures() -> None:
    text = markdown(outcome(*FOUR))
    assert text.count("| memory at most |") == 2
    assert "10 other Secrets:" in text
    assert "|  | 2 checks | 1 checks | target |" in text
    assert "| memory at most | 12 MiB | 11 MiB |  |" in text
    assert "CPU at rest" not in text


def test_a_figure_that_misses_its_target_stands_out() -> None:
    bad = outcome(point(1, 10, idle_writes=3.0))
    assert [row.figure for row, _ in missed(bad)] == ["idle_writes"]
    assert "| writes at rest | **3** | at most 0 |" in markdown(bad)
    assert not missed(outcome(*FOUR))


def test_a_noisy_neighbour_may_cost_half_a_gigabyte_and_five_seconds() -> None:
    good = point(1, 10, victim_p99_ms=4999.0, peak_mib=511.9)
    assert not missed(outcome(good, stage="noisy"))
    bad = replace(good, figures={"victim_p99_ms": 5000.0, "peak_mib": 512.0})
    assert len(missed(outcome(bad, stage="noisy"))) == 2


def test_every_stage_has_rows_and_its_place_in_the_page(tmp_path: Path) -> None:
    assert set(LOADS) == set(ROWS)
    page = tmp_path / "benchmarks.md"
    page.write_text(PAGE.read_text())
    outcomes = [outcome(point(1, 10, rss_mib=77.0), stage=s) for s in LOADS if s != "scale"]
    write_loads(outcomes, tmp_path)
    assert page.read_text().count("77 MiB") == len(outcomes)
    assert all(mark in PAGE.read_text() for stage in LOADS for mark in marks(stage))


def test_a_curve_is_in_order_and_one_for_each_size_of_the_other() -> None:
    assert lines_of(FOUR, "checks", "peak_mib") == {10: [(1, 11), (2, 12)], 20: [(1, 21), (2, 22)]}
    assert lines_of(FOUR, "secrets", "peak_mib") == {
        1: [(10, 11), (20, 21)],
        2: [(10, 12), (20, 22)],
    }
    assert lines_of(FOUR, "secrets", "never") == {}


def test_the_same_figures_draw_the_same_curves(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    drawn = draw(outcome(*FOUR), tmp_path)
    first = {axis: path.read_bytes() for axis, path in drawn.items()}
    again = {axis: path.read_bytes() for axis, path in draw(outcome(*FOUR), tmp_path).items()}
    assert first == again
    assert b"Memory at most" in first["checks"]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([(0.0, 5.0)], 0.0),
        ([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)], 2.0),
        ([(0.0, 4.0), (1.0, 4.0)], 0.0),
        ([(1.0, 2.0), (0.0, 3.0)], -1.0),
    ],
)
def test_a_slope_is_the_growth_for_each_unit(
    samples: list[tuple[float, float]], expected: float
) -> None:
    assert slope(samples) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param([], 0.0, id="nothing was seen"),
        pytest.param([(0.0, 5.0), (0.9, 50.0)], 0.0, id="too short to say"),
        pytest.param([(0.0, 0.0), (1.0, 30.0)], 30.0, id="a second"),
        pytest.param([(0.0, 0.0), (2.0, 30.0)], 15.0, id="two seconds between two looks"),
        pytest.param(
            [(0.0, 0.0), (0.5, 0.0), (1.0, 40.0), (1.5, 40.0), (2.0, 41.0)], 40.0, id="a peak"
        ),
    ],
)
def test_the_busiest_second_is_that_of_the_fastest_growth(
    samples: list[tuple[float, float]], expected: float
) -> None:
    assert steepest(samples, over=1.0) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("times", "expected"),
    [([], 0), ([3.0], 1), ([0.0, 0.5, 0.99, 1.0, 1.2], 4), ([2.0, 0.0, 1.0], 1)],
)
def test_the_most_within_a_second_may_begin_anywhere(times: list[float], expected: int) -> None:
    assert most_within(times, 1.0) == expected


def test_a_look_that_nobody_answered_tells_nothing() -> None:
    seen = Looks()
    for told in ({"queueDepth": 3, "apiRequests": {"200 get x": 2, "201 post y": 1}}, {}):
        seen.take(told)
    assert seen.queue_most == 3
    assert [total for _, total in seen.requests] == [3]


def test_a_dry_run_is_no_write() -> None:
    page = (
        "# HELP apiserver_request_total x\n"
        'apiserver_request_total{code="201",dry_run="All",resource="tokenchecks"} 5\n'
        'apiserver_request_total{code="201",dry_run="",resource="tokenchecks"} 7\n'
        'apiserver_request_terminations_total{code="429"} 9\n'
    )
    found = list(counters_of(page, "apiserver_request_total"))
    assert [(labels["dry_run"], value) for labels, value in found] == [("All", 5), ("", 7)]


def cluster_check(**status: object) -> dict[str, object]:
    """A ClusterTokenCheck of two workloads, all of it done, but for what is given."""
    counts = {"selected": 2, "checked": 2, "handWritten": 0, "optedOut": 0, "others": 0}
    done = {
        "observedGeneration": 3,
        "conditions": [{"type": "Ready", "status": "True"}],
        "good": "2/2",
        "workloads": counts | {"refused": 0},
        "failing": [],
    }
    return {"metadata": {"generation": 3}, "status": done | status}


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"observedGeneration": 2}, id="it is about an older spec"),
        pytest.param({"good": "1/2"}, id="one is not good"),
        pytest.param({"workloads": {"selected": 2, "checked": 1}}, id="one is not made"),
        pytest.param({"conditions": [{"type": "Ready", "status": "Unknown"}]}, id="not Ready"),
        pytest.param(
            {
                "conditions": [
                    {"type": "Ready", "status": "True"},
                    {"type": "Reconciling", "status": "True"},
                ]
            },
            id="some are to be removed",
        ),
    ],
)
def test_a_cluster_check_that_is_on_its_way_is_not_done(status: dict[str, object]) -> None:
    assert is_done(cluster_check(), 2)
    assert not is_done(cluster_check(**status), 2)
    assert not is_done(cluster_check(), 3)
    assert not is_done({"metadata": {"generation": 1}}, 0)


def test_nothing_measured_has_no_percentiles() -> None:
    assert spread("flip", [], "ms", 1000) == {}


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("30m", 1800), ("8h", 28_800)])
def test_a_duration_has_a_unit(text: str, expected: int) -> None:
    assert Duration().convert(text, None, None) == expected


@pytest.mark.parametrize("text", ["", "8", "0s", "1.5h", "h", "-1s"])
def test_what_is_no_duration_is_said_to_be_none(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write 90s, 30m or 8h"):
        Duration().convert(text, None, None)


def test_sizes_of_the_command_line_are_taken_from_the_smallest() -> None:
    chosen = LOAD_SIZES["small"].chosen(checks=Counts().convert("20,3", None, None), pods=None)
    assert chosen.checks == (3, 20)
    assert chosen.pods == LOAD_SIZES["small"].pods
    with pytest.raises(click.BadParameter, match="'0' is no number above 0"):
        Counts().convert("10,0", None, None)
