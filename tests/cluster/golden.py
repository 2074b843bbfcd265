"""``make golden``: what the chart renders in each mode, in files that show what a change does.

The default stands there whole; of each other mode there is what differs from it, object by object.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from functools import cache
from pathlib import Path

import yaml

from cluster.rendered import SWITCHED
from controlplane.launch import chart_text

FOLDER = Path(__file__).parent / "chart" / "golden"
_LONGEST = 2000  # of a line: the dashboard is one


def file_of(mode: str) -> str:
    """The name of its file."""
    return "default.yaml" if mode == "default" else f"{mode}.diff"


def rendered(mode: str) -> str:
    """What its file has to hold, by the real Helm."""
    plain = _objects("default")
    if mode == "default":
        return "---\n".join(plain.values())
    return "".join(_differences(plain, _objects(mode)))


@cache
def _objects(mode: str) -> dict[str, str]:
    """The text of each, by kind and name, in the order of Helm."""
    found = {}
    for text in re.split(r"^---\n", chart_text(**SWITCHED[mode]), flags=re.MULTILINE)[1:]:
        made = yaml.safe_load(text)
        name = f"{made['kind']} {made['metadata']['name']}"
        where = made["metadata"].get("namespace", "")
        found[f"{name} in {where}" if where else name] = _short(made, text)
    return found


def _short(made: Mapping[str, object], text: str) -> str:
    """Without what stands in a file of the checkout as well, where a change of it is seen."""
    if made["kind"] == "CustomResourceDefinition":
        return f"# {made['metadata']['name']}: as in crds/, which test_chart.py looks at\n"  # type: ignore[index]
    return "".join(map(_told, text.splitlines(keepends=True)))


def _told(line: str) -> str:
    if len(line) <= _LONGEST:
        return line
    digest = hashlib.sha256(line.encode()).hexdigest()
    return f"{line.partition(':')[0]}: # {len(line):,} characters, sha256 {digest[:16]}\n"


def _differences(plain: Mapping[str, str], other: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys((*plain, *other)):
        before, after = plain.get(name, ""), other.get(name, "")
        if not after:
            yield f"=== without {name}\n"
        elif before != after:
            yield f"=== {name}\n"
            lines = unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True))
            # Numbers of lines would change with whatever stands above.
            yield from ("@@\n" if one.startswith("@@") else one for one in [*lines][2:])


def main() -> None:
    """Write all of them; what belongs to no mode is gone."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for mode in SWITCHED:
        (FOLDER / file_of(mode)).write_text(rendered(mode))


if __name__ == "__main__":
    main()
