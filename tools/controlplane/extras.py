"""Programs that some tests use and that no control plane needs: built when first asked for.

Each stands in a folder of its own version, so that a new one makes nobody build the others again.
"""

from __future__ import annotations

import hashlib
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Own(Recipe):
    """A program of a module of ours, in this folder, which says all versions."""

    folder: Path

    def command(self, target: Path) -> list[str]:
        """The command that writes the program below ``target``."""
        go, build, *rest = Recipe.command(self, target)
        return [go, build, "-C", str(self.folder), *rest]

    @property
    def version(self) -> str:
        """Changes with every file of the module."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.rglob("*")):
            digest.update(path.read_bytes() if path.is_file() else b"")
        return digest.hexdigest()[:12]


# Without service discovery, which checks no rule and is nine tenths of the build: the clients of
# every cloud.
PROMTOOL = Extra(
    name="promtool",
    package="github.com/prometheus/prometheus/cmd/promtool@v0.316.0",
    tags="remove_all_sd",
    cold_s=120,
)


# The core of HashiCorp's Vault and its HTTP API, in memory, without plugins, clients of clouds and
# the web page. Its licence is no open one: the tests use it, and nothing that is shipped holds it.
VAULT = Own(
    name="vault",
    package=".",
    folder=Path(__file__).parent / "vault",
    cold_s=200,
)


def extra(recipe: Recipe) -> Path:
    """The program, built now if need be.

    Raises:
        BuildError: it cannot be built here.
    """
    version = recipe.version if isinstance(recipe, Own) else recipe.package.rpartition("@")[2]
    folder = cache_folder() / "extras" / f"{recipe.name}-{version}"
    return build_beside(recipe, folder) / recipe.name
