"""Write the generated files, or say which are out of date."""

import sys
from pathlib import Path

from reference.generated import stale_files, write_files

CHECKOUT = Path(__file__).parents[2]


def main(arguments: list[str]) -> int:
    """The generated files are up to date; with ``--check`` nothing is written, and 1 says no."""
    if arguments == ["--check"]:
        stale = stale_files(CHECKOUT)
        for path in stale:
            shown = path.relative_to(CHECKOUT)
            print(f"{shown} is out of date: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    if arguments:
        print("usage: python -m reference [--check]", file=sys.stderr)
        return 2
    for path in write_files(CHECKOUT):
        print(f"wrote {path.relative_to(CHECKOUT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
