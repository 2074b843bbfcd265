"""Which files follow from others, what must stand in each, and which are out of date."""

from __future__ import annotations

from pathlib import Path

import yaml

from reference.addresses import render_public
from reference.page import page_of
from reference.policies import render_policies
from reference.reasons import render_reasons
from reference.shipped import render_shipped

_CHART_COPY = Path("charts/tokencheck/files/crds")
_PUBLIC = Path("charts/tokencheck/files/public.yaml")
_PAGE = Path("docs/reference.md")
_REASONS = Path("docs/reasons.md")
_SHIPPED = Path("operator/tokencheck/api/shipped.py")


def generated_files(checkout: Path) -> dict[Path, str]:
    """Return the text of every generated file, by its path."""
    sources = {path.name: path.read_text() for path in sorted((checkout / "crds").glob("*.yaml"))}
    crds = [yaml.safe_load(text) for text in sources.values()]
    copies = {checkout / _CHART_COPY / name: text for name, text in sources.items()}
    written = {
        _PAGE: page_of(crds),
        _REASONS: render_reasons(),
        _SHIPPED: render_shipped(crds),
        _PUBLIC: render_public(),
        **render_policies(),
    }
    return {checkout / path: text for path, text in written.items()} | copies


def stale_files(checkout: Path) -> list[Path]:
    """Return the generated files that are missing, differ, or have no CRD any more."""
    wanted = generated_files(checkout)
    differing = [
        path for path, text in wanted.items() if not path.exists() or path.read_text() != text
    ]
    return differing + [path for path in (checkout / _CHART_COPY).glob("*") if path not in wanted]


def write_files(checkout: Path) -> list[Path]:
    """Every generated file is up to date; returns those that were written or removed."""
    wanted = generated_files(checkout)
    changed = stale_files(checkout)
    for path in changed:
        if path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path])
        else:
            path.unlink()
    return changed
