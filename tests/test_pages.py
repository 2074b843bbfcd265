"""What the pages say without a cluster: links, paths, targets of make, verbs and their options."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from pages import Page, pages

CHECKOUT = Path(__file__).parents[1]
PAGES = pages(CHECKOUT)
README = Page(CHECKOUT / "README.md")
# Where a path of CONTRIBUTING.md may begin.
ROOTS = ("", "operator/tokencheck")
ids = {"ids": lambda page: str(page.path.relative_to(CHECKOUT))}


def make(*args: str) -> str:
    asked = ["make", "--no-print-directory", *args]
    done = subprocess.run(asked, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("page", PAGES, **ids)
def test_every_link_leads_somewhere(page: Page) -> None:
    assert [str(link) for link in page.links() if not link.exists()] == []


# Decisions name paths that are refused on purpose.
@pytest.mark.parametrize("page", [p for p in PAGES if p.path.parent.name != "adr"], **ids)
def test_every_path_that_a_page_names_exists(page: Page) -> None:
    roots = [*ROOTS, "tests/cluster", str(page.path.parent)]
    paths = [
        c for c in page.code() if re.fullmatch(r"[\w.-]+(/[\w.-]+)*(/|\.(py|ya?ml|md|toml))", c)
    ]
    missing = [one for one in paths if not any((CHECKOUT / root / one).exists() for root in roots)]
    assert missing == []


def test_every_promise_of_the_readme_has_its_test() -> None:
    promises = README.rows("What you get")
    assert len(promises) >= 6
    for promise, shown_by in promises:
        named = re.findall(r"`(?:tests/(\w+)/)?(test_\w+\.py)`", shown_by)
        assert named, promise
        for room, name in named:
            test = CHECKOUT / "tests" / (room or "cluster") / name
            assert test.exists(), f"{name} shall show: {promise}"
            assert "def test_" in test.read_text()


def claims_of(text: str) -> list[str]:
    """The rows of each table that says by what they are shown."""
    tables = re.findall(r"^\|.*\| shown by \|\n\|[-|]+\|\n((?:\|.*\|\n)+)", text, re.M)
    return [row for table in tables for row in table.splitlines()]


@pytest.mark.parametrize(("name", "least"), [("trust.md", 14), ("threat-model.md", 30)])
def test_every_claim_about_trust_names_a_test_that_exists(name: str, least: int) -> None:
    page = Page(CHECKOUT / "docs" / name)
    claims = claims_of(page.text)
    assert len(claims) >= least
    for claim in claims:
        assert "::" in claim, f"nothing shows: {claim}"
        for file, function in re.findall(r"`(test_\w+\.py)::(test_\w+)`", claim):
            found = [one.read_text() for one in (CHECKOUT / "tests").rglob(file)]
            assert any(f"def {function}(" in text for text in found), claim


@pytest.mark.parametrize("page", PAGES, **ids)
def test_every_target_of_make_that_a_page_names_exists(page: Page) -> None:
    targets = set(re.findall(r"^  make ([\w-]+) ", make("help"), re.M))
    said = [one.strip() for code in page.code() for one in re.findall(r"^make ([a-z -]+)", code)]
    named = {target for one in said for target in one.split() if not target.startswith("-")}
    assert named <= targets


def test_the_demo_of_the_readme_passes_its_choices_on() -> None:
    for said, passed in (("KEEP=1", " --keep"), ("CONTEXT=NAME", " --context NAME")):
        assert f"`make demo {said}`" in README.text
        assert " ".join(make("-n", "demo", said).split()).endswith(f"-m demo{passed}")


def rows_of_commands() -> list[tuple[str, list[str]]]:
    """Each verb of the README's table with the options that its row names."""
    rows = []
    for first, what in README.rows("Commands"):
        named = [code.removeprefix("tokencheck ") for code in re.findall(r"`([^`]+)`", first)]
        options = re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", f"{first} {what}")
        rows += [(code.split()[0], options) for code in named]
    return rows


@pytest.mark.parametrize(("verb", "options"), rows_of_commands())
def test_every_verb_of_the_readme_has_the_options_that_its_row_names(
    verb: str, options: list[str], program: Path
) -> None:
    asked = [str(program), verb, "--help"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    known = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", done.stdout))
    assert set(options) <= known
    assert "\\b" not in done.stdout


def test_the_readme_s_table_has_every_verb_but_the_plain_ones(program: Path) -> None:
    done = subprocess.run([str(program), "--help"], capture_output=True, text=True, check=True)
    verbs = set(re.findall(r"^  (\w+)  ", done.stdout.partition("Commands:")[2], re.M))
    assert {verb for verb, _ in rows_of_commands()} == verbs - {"completion", "version"}
    for code in re.findall(r"Exit codes[^.]*\.", README.text):
        said = code.removeprefix("Exit codes of every command: ")
        assert said in " ".join(done.stdout.split())


@pytest.mark.parametrize("page", PAGES, **ids)
def test_every_yaml_block_is_yaml(page: Page) -> None:
    for block in page.blocks("yaml"):
        assert list(yaml.safe_load_all(block))
