"""The shape of the code is a promise too: sizes, and a folder that must not be a package."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

FILE_LINES, MEDIAN_LINES, FUNCTION_LINES, POSITIONAL = 400, 150, 40, 5
ROOTS = ("operator", "tools", "bench", "tests")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(checkout: Path, *roots: str) -> list[Path]:
    return sorted(path for root in roots for path in (checkout / root).rglob("*.py"))


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines from ``def`` to the last one, without the docstring and nested functions."""
    total = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        total -= (first.end_lineno or 0) - first.lineno + 1
    return total


def positional(function: Function) -> int:
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    return len([name for name in names if name not in ("self", "cls")])


def breaches(path: Path, text: str) -> list[str]:
    found = []
    lines = len(text.splitlines())
    if lines > FILE_LINES:
        found.append(f"{path}: {lines} lines, at most {FILE_LINES}")
    for function in functions(ast.parse(text, str(path))):
        place = f"{path}:{function.lineno} {function.name}"
        if length(function) > FUNCTION_LINES:
            found.append(f"{place}: {length(function)} lines, at most {FUNCTION_LINES}")
        if positional(function) > POSITIONAL:
            found.append(f"{place}: {positional(function)} parameters, at most {POSITIONAL}")
    return found


def test_files_functions_and_parameter_lists_keep_their_budgets(checkout: Path) -> None:
    found = [b for path in sources(checkout, *ROOTS) for b in breaches(path, path.read_text())]
    assert not found, "\n".join(found)


def test_half_of_the_package_s_files_fit_into_150_lines(checkout: Path) -> None:
    sizes = [len(path.read_text().splitlines()) for path in sources(checkout, "operator")]
    assert statistics.median(sizes) <= MEDIAN_LINES


@pytest.mark.parametrize(
    "text",
    [
        "\n" * (FILE_LINES + 1),
        "def f():\n" + "    x = 1\n" * FUNCTION_LINES,
        "def f(a, b, c, d, e, g): ...",
    ],
    ids=["a long file", "a long function", "many parameters"],
)
def test_a_breach_of_the_budgets_is_seen(text: str) -> None:
    assert breaches(Path("x.py"), text)


def test_a_long_docstring_costs_nothing() -> None:
    text = 'def f(self, a, b, c, d, e, *, g):\n    """One.\n' + "\n" * 50 + '    """\n'
    assert not breaches(Path("x.py"), text)


def test_the_operator_folder_is_not_a_package(checkout: Path) -> None:
    """With an ``__init__.py`` it would replace the standard library's ``operator``."""
    assert not (checkout / "operator" / "__init__.py").exists()


def test_python_started_in_the_checkout_finds_its_own_operator_module(checkout: Path) -> None:
    code = "import operator; print(operator.itemgetter.__name__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        env={"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "itemgetter", done.stderr
