"""Programs that some tests use and that no control plane needs: built when first asked for.

Each stands in a folder of its own version, so that a new one makes nobody build the others again.
"""

from __future__ import annotations

from pathlib import Path

from controlplane.build import build_beside
from controlplane.cache import cache_folder
from controlplane.recipes import Recipe

PROMTOOL = Recipe(
    name="promtool",
    package="github.com/prometheus/prometheus/cmd/promtool@v0.316.0",
    cold_s=300,
)


def extra(recipe: Recipe) -> Path:
    """The program, built now if need be.

    Raises:
        BuildError: it cannot be built here.
    """
    version = recipe.package.rpartition("@")[2]
    folder = cache_folder() / "extras" / f"{recipe.name}-{version}"
    return build_beside(recipe, folder) / recipe.name
