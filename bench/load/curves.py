"""How cost grows with checks and with Secrets, as curves for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.load.outcome import Outcome, Point

CURVES = ("checks", "secrets")
AXES = {"checks": "TokenChecks", "secrets": "other Secrets"}
_OTHER = {"checks": "secrets", "secrets": "checks"}
# Told apart without colour too. Source: Okabe and Ito, "Color Universal Design".
_STYLES = (("#0072b2", "o", "-"), ("#d55e00", "s", "--"), ("#009e73", "^", ":"))
_COLUMNS = 3
_ROOM = 1.08


@dataclass(frozen=True, slots=True)
class _Panel:
    figure: str
    title: str
    unit: str


_PANELS = (
    _Panel("peak_mib", "Memory at most", "MiB"),
    _Panel("first_verdicts_s", "Start to all first verdicts", "s"),
    _Panel("idle_cpu_percent", "CPU at rest", "% of a core"),
    _Panel("to_false_p99_ms", "Secret PUT to Ready=False, p99", "ms"),
    _Panel("cpu_per_change_ms", "CPU for each changed Secret", "ms"),
    _Panel("start_read_mib", "Answers to reads of the start", "MiB"),
)


def curve_file(folder: Path, axis: str) -> Path:
    """Where the curves over ``checks`` or ``secrets`` stand."""
    return folder / f"benchmark-{axis}.svg"


def draw(outcome: Outcome, folder: Path) -> dict[str, Path]:
    """The curves of the stage ``scale`` stand in the folder, one file for each axis."""
    return {axis: _draw(outcome.points, axis, curve_file(folder, axis)) for axis in CURVES}


def lines_of(
    points: Sequence[Point], axis: str, figure: str
) -> dict[float, list[tuple[float, float]]]:
    """The curve for each size of the other axis: (size, value), in order of size."""
    found: dict[float, list[tuple[float, float]]] = {}
    for point in points:
        if figure in point.figures:
            line = found.setdefault(point.sizes[_OTHER[axis]], [])
            line.append((point.sizes[axis], point.figures[figure]))
    return {size: sorted(line) for size, line in sorted(found.items())}


def _draw(points: Sequence[Point], axis: str, target: Path) -> Path:
    # Needed for this alone, and installed by `make bench` alone.
    import matplotlib as mpl

    mpl.use("svg")
    # The same figures make the same file: no ids and no date of their own.
    mpl.rcParams.update({"svg.hashsalt": axis, "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FuncFormatter

    rows = -(-len(_PANELS) // _COLUMNS)
    figure, axes = plt.subplots(rows, _COLUMNS, figsize=(11, 3.1 * rows), layout="constrained")
    for panel, at in zip(_PANELS, axes.flat, strict=True):
        for number, (size, line) in enumerate(lines_of(points, axis, panel.figure).items()):
            colour, marker, dashes = _STYLES[number % len(_STYLES)]
            label = f"{size:,.0f} {AXES[_OTHER[axis]]}"
            at.plot(
                *zip(*line, strict=True), color=colour, marker=marker, linestyle=dashes, label=label
            )
        at.set_title(panel.title, fontsize=10)
        at.set_ylabel(panel.unit)
        at.set_xlabel(AXES[axis])
        if at.has_data():
            at.set_xlim(0, _ROOM * at.dataLim.x1)
            at.set_ylim(0, _ROOM * at.dataLim.y1 or 1)
        at.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        at.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        at.grid(visible=True, color="#dddddd", linewidth=0.6)
        at.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.savefig(target, metadata={"Date": None}, facecolor="white")
    plt.close(figure)
    return target
