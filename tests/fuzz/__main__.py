"""``python -m fuzz``: every parser's property, for as long as one wants."""

from __future__ import annotations

import random
import sys
import time

import click
import hypothesis

from fuzz.run import fed
from fuzz.targets import targets


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--minutes", default=10.0, help="How long, all together.")
@click.option("--seed", type=int, help="Which inputs; new ones by default. It is printed.")
@click.option("--only", default="", help="Only properties with this in their name.")
def main(*, minutes: float, seed: int | None, only: str) -> None:
    """Ends with a table, and with 1 if a property did not hold.

    What failed is kept in .hypothesis: the test by itself tells it again, made as small as it goes.
    """
    hypothesis.settings.load_profile("default")
    seed = random.randrange(10**6) if seed is None else seed
    chosen = [one for one in targets() if only in one.test]
    print(f"seed {seed}, {len(chosen)} properties, {minutes:g} minutes", flush=True)
    until = time.monotonic() + minutes * 60
    every = fed(chosen, random.Random(seed), lambda: time.monotonic() < until)
    print("   inputs  examples      rate  result   property")
    print("\n".join(one.line for one in every))
    broken = [one.target.test for one in every if one.failure]
    print(f"{sum(one.inputs for one in every)} inputs, {len(broken)} properties broken")
    for test in broken:
        print(f'told again by: make test WORKERS=0 ARGS="{test}"')
    sys.exit(bool(broken))


main()
