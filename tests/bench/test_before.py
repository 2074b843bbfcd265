"""The page shows what stood there before beside the figures of a new run."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.before import with_before
from bench.load.outcome import Outcome, Point
from bench.load.tables import write_page
from bench.report import Report

PAGE = "<!-- figures burst: begin -->\n\nNot run yet.\n\n<!-- figures burst: end -->\n"


def report(date: str, seconds: float, *, scale: str = "full") -> Report:
    results = {"audit": {"operator": {"seconds": seconds}, "kubectl": {"seconds": 30.0}}}
    return Report(
        date=date, scale={"name": scale}, machine={}, versions={"Python": date}, results=results
    )


def outcome(date: str, *values: float) -> Outcome:
    points = [
        Point(title=f"load {place}", group=group, sizes={}, figures={"all_s": value})
        for group in ("few", "many")
        for place, value in enumerate(values)
    ]
    return Outcome(stage="burst", scale="full", date=date, machine={}, versions={}, points=points)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    made = tmp_path / "benchmarks.md"
    made.write_text("<!-- figures: begin -->\n\nNot run yet.\n\n<!-- figures: end -->\n")
    return made


def test_each_row_tells_what_the_operator_had_in_the_run_before(page: Path) -> None:
    report("2026-01-01", 9.0).write_docs(page)
    assert "before" not in page.read_text()
    report("2026-01-02", 8.0).write_docs(page)
    text = page.read_text()
    assert "| target | reached | before (2026-01-01) |\n|---|--:|--:|---|---|--:|\n" in text
    assert "| 8.0 s | 30.0 s | below half of kubectl | yes | 9.0 s |" in text
    report("2026-01-03", 7.0).write_docs(page)
    text = page.read_text()
    assert "| 7.0 s | 30.0 s | below half of kubectl | yes | 8.0 s |" in text
    assert "9.0 s" not in text


def test_the_same_run_again_keeps_what_was_before_it(page: Path) -> None:
    report("2026-01-01", 9.0).write_docs(page)
    report("2026-01-02", 8.0).write_docs(page)
    text = page.read_text()
    report("2026-01-02", 8.0).write_docs(page)
    assert page.read_text() == text


def test_a_run_of_another_scale_is_not_compared(page: Path) -> None:
    report("2026-01-01", 9.0, scale="small").write_docs(page)
    report("2026-01-02", 8.0).write_docs(page)
    assert "before" not in page.read_text()


def test_a_figure_that_was_not_there_before_has_an_empty_cell() -> None:
    old = "Scale full, 1.\n\n|  | x | target |\n|---|--:|---|\n| a | 1 |  |\n"
    new = "Scale full, 2.\n\n|  | x | target |\n|---|--:|---|\n| a | 1 |  |\n| b | 2 |  |\n"
    assert with_before(old, new).splitlines()[-2:] == ["| a | 1 |  | 1 |", "| b | 2 |  |  |"]


def test_all_points_of_a_load_are_told_and_each_table_has_its_own(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(PAGE)
    write_page(outcome("2026-01-01", 1.0, 2.0), page)
    write_page(outcome("2026-01-02", 3.0, 4.0), page)
    text = page.read_text()
    row = "| first PUT to last Ready=False | 3.0 s | 4.0 s |  | 1.0 s / 2.0 s |"
    assert text.count(row) == 2
    assert text.count("| target | before (2026-01-01) |") == 2
    assert text.endswith("\n\n<!-- figures burst: end -->\n")
