"""Programs that some tests use and that no control plane needs: built when first asked for.

Each stands in a folder of its own version, so that a new one makes nobody build the others again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from controlplane.build import build_beside
from controlplane.cache import cache_folder
from controlplane.recipes import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra(Recipe):
    """A program with build tags."""

    tags: str

    def command(self, target: Path) -> list[str]:
        """The command that writes the program below ``target``."""
        go, install, *rest = Recipe.command(self, target)
        return [go, install, "-tags", self.tags, *rest]


# Without service discovery, which checks no rule and is nine tenths of the build: the clients of
# every cloud.
PROMTOOL = Extra(
    name="promtool",
    package="github.com/prometheus/prometheus/cmd/promtool@v0.316.0",
    tags="remove_all_sd",
    cold_s=120,
)


def extra(recipe: Recipe) -> Path:
    """The program, built now if need be.

    Raises:
        BuildError: it cannot be built here.
    """
    version = recipe.package.rpartition("@")[2]
    folder = cache_folder() / "extras" / f"{recipe.name}-{version}"
    return build_beside(recipe, folder) / recipe.name
