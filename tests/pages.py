"""What the pages of the project say that can be tried: code blocks, links, tables, paths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Page:
    """A Markdown file."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text()

    def blocks(self, language: str, *, below: str = "") -> list[str]:
        """The code blocks of this language, of the section with this heading alone if given."""
        return re.findall(rf"^```{language}\n(.*?)^```", self._section(below), re.M | re.S)

    def links(self) -> list[Path]:
        """The files that relative links point at."""
        targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", self.text)
        return [self.path.parent / one for one in targets if "://" not in one]

    def rows(self, below: str) -> list[list[str]]:
        """The cells of the section's tables, without heads and rules."""
        lines = [line for line in self._section(below).splitlines() if line.startswith("|")]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        return [row for row in rows[2:] if row]

    def code(self) -> list[str]:
        """What stands between backquotes in running text."""
        prose = re.sub(r"^```.*?^```", "", self.text, flags=re.M | re.S)
        return re.findall(r"`([^`\n]+)`", prose)

    def _section(self, heading: str) -> str:
        if not heading:
            return self.text
        found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", self.text, re.M | re.S)
        assert found, f"{self.path} has no section {heading!r}"
        return found[1]


def pages(checkout: Path) -> list[Page]:
    """The pages of the checkout that a person reads."""
    docs = sorted((checkout / "docs").rglob("*.md"))
    return [Page(path) for path in (*sorted(checkout.glob("*.md")), *docs)]
