"""What the benchmarks make of measured numbers: percentiles, verdicts, the page."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench.report import Report
from bench.rows import ROWS, Row
from bench.summary import percentile, spread
from bench.usage import usage_of

TO_FALSE_P99 = next(row for row in ROWS if row.figure == "to_false_p99_ms")
AUDIT_TIME = next(row for row in ROWS if row.stage == "audit" and row.figure == "seconds")
COLD_START = next(row for row in ROWS if row.figure == "verify_ms")


def report(results: dict[str, dict[str, dict[str, float]]]) -> Report:
    about = {"name": "small"}
    return Report(date="2026-01-01", scale=about, machine={}, versions={}, results=results)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1), (0.5, 50), (0.9, 90), (0.99, 99), (0.991, 100), (1.0, 100)]
)
def test_a_percentile_is_a_measured_value_by_nearest_rank(share: float, expected: int) -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert percentile(values, share) == expected


def test_names_of_a_spread_end_in_their_unit() -> None:
    assert spread("flip", [0.25], "ms", 1000) == {
        "flip_p50_ms": 250,
        "flip_p90_ms": 250,
        "flip_p99_ms": 250,
        "flip_max_ms": 250,
    }


@pytest.mark.parametrize(
    ("row", "figure", "own", "other", "expected"),
    [
        pytest.param(TO_FALSE_P99, "go", 20.0, 20.0, True, id="as fast as Go is reached"),
        pytest.param(TO_FALSE_P99, "go", 20.1, 20.0, False, id="slower than Go is missed"),
        pytest.param(TO_FALSE_P99, "go", 20.1, None, None, id="without Go nothing is said"),
        pytest.param(AUDIT_TIME, "kubectl", 5.0, 10.0, False, id="half of kubectl is not below"),
        pytest.param(AUDIT_TIME, "kubectl", 4.9, 10.0, True, id="less than half is reached"),
        pytest.param(COLD_START, "python", 150.0, 100.0, True, id="1.5 times is reached"),
        pytest.param(COLD_START, "python", 150.1, 100.0, False, id="more than that is missed"),
    ],
)
def test_a_target_is_judged_by_the_unrounded_values(
    row: Row, figure: str, own: float, other: float | None, expected: bool | None
) -> None:
    values = {"operator": {row.figure: own}}
    if other is not None:
        values[figure] = {row.figure: other}
    assert row.verdict({row.stage: values}) is expected


def test_a_figure_without_a_comparison_is_judged_alone() -> None:
    row = next(row for row in ROWS if row.figure == "idle_writes")
    assert row.verdict({"latency": {"operator": {"idle_writes": 0.0}}}) is True
    assert row.verdict({"latency": {"operator": {"idle_writes": 1.0}}}) is False


def test_the_page_keeps_its_text_and_gets_the_new_figures(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("before\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n")
    results = {
        "audit": {"operator": {"seconds": 9.0, "peak_mib": 90.0}, "kubectl": {"seconds": 10.0}}
    }
    for _ in range(2):
        report(results).write_docs(page)
    text = page.read_text()
    assert text.startswith("before\n<!-- figures: begin -->\n")
    assert text.endswith("<!-- figures: end -->\nafter\n")
    assert "old" not in text
    assert text.count("| 9.0 s | 10.0 s | below half of kubectl | **no** |") == 1
    assert "| 90 MiB |  | below 150 MiB | yes |" in text


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("text")
    with pytest.raises(ValueError, match="no <!-- figures: begin -->"):
        report({}).write_docs(page)
    assert page.read_text() == "text"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_usage_counts_children_too() -> None:
    work = "x = bytearray(64 << 20)\nwhile True: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent], start_new_session=True)
    try:
        deadline = time.monotonic() + 20
        usage = usage_of(process.pid)
        while (usage.cpu_s < 0.3 or usage.rss_mib < 64) and time.monotonic() < deadline:
            time.sleep(0.05)
            usage = usage_of(process.pid)
        assert usage.cpu_s >= 0.3
        assert 64 < usage.rss_mib <= usage.peak_mib < 256
    finally:
        os.killpg(process.pid, 9)
        process.wait()
