"""Builds the control plane's programs into the cache, one by one, and says how far it is."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from controlplane.cache import programs_folder
from controlplane.progress import Progress, progress_for
from controlplane.recipes import BY_NAME, RECIPES, VERSIONS, Recipe

_TAIL_LINES = 20
_NEXT = (
    "Install Go 1.26 or newer (https://go.dev/dl), or use a cluster of yours: "
    "make demo CONTEXT=NAME"
)


class BuildError(Exception):
    """Nothing could be built; the message says why and what to do next."""


def build(names: Iterable[str] = BY_NAME, *, folder: Path | None = None) -> Path:
    """Every named program stands in the returned folder.

    Two processes never build the same program: the second waits and finds it there. A build
    that is interrupted leaves nothing half-made behind.

    Args:
        names: programs of :data:`~controlplane.recipes.RECIPES`; all by default.
        folder: where to, instead of the cache.

    Raises:
        BuildError: `go` is missing, too old, or failed.
    """
    wanted = set(names)
    target = folder or programs_folder()
    if not _missing(wanted, target):
        return target
    target.mkdir(parents=True, exist_ok=True)
    with locked(target.parent / "build.lock"):
        for left in target.parent.glob(".building-*"):
            # Of a build that was killed; whoever holds the lock is the only one that builds.
            shutil.rmtree(left, ignore_errors=True)
        if missing := _missing(wanted, target):
            require_go()
            _build_all(missing, target)
    return target


def build_beside(folder: Path, *recipes: Recipe) -> Path:
    """These programs stand in ``folder``, which is returned; raises as :func:`build` does."""
    if not _absent(recipes, folder):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder.parent / f"{folder.name}.lock"):
        if absent := _absent(recipes, folder):
            require_go()
            _build_all(absent, folder)
    return folder


def _missing(wanted: set[str], target: Path) -> list[Recipe]:
    return _absent([recipe for recipe in RECIPES if recipe.name in wanted], target)


def _absent(recipes: Iterable[Recipe], target: Path) -> list[Recipe]:
    return [recipe for recipe in recipes if not (target / recipe.name).exists()]


def _build_all(missing: list[Recipe], target: Path) -> None:
    with progress_for(missing, target) as progress:
        for recipe in missing:
            _build_one(recipe, target, progress)


def _build_one(recipe: Recipe, target: Path, progress: Progress) -> None:
    log = target.parent / f"{recipe.name}.log"
    with (
        tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent) as made,
        log.open("w") as out,
    ):
        process = subprocess.Popen(
            recipe.command(Path(made)),
            cwd=VERSIONS,
            env=_environment(Path(made), cgo=recipe.cgo),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        with _ended(process), progress.building(recipe) as tick:
            while process.poll() is None:
                tick()
                time.sleep(0.2)
        if process.returncode != 0:
            raise BuildError(_failure(recipe, log))
        os.replace(Path(made) / recipe.name, target / recipe.name)


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """An interrupt of ours ends the compiler too."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()


def _environment(made: Path, *, cgo: bool) -> dict[str, str]:
    """The caller's, without what he may have set for a project of his own."""
    kept = {k: v for k, v in os.environ.items() if k not in ("GOFLAGS", "GOOS", "GOARCH", "GOWORK")}
    # -buildvcs=false: the checkout's state says nothing about these programs.
    return kept | {
        "CGO_ENABLED": "1" if cgo else "0",
        "GOBIN": str(made),
        "GOFLAGS": "-buildvcs=false",
        "GOWORK": "off",
    }


def require_go() -> None:
    """`go` is there, and new enough for ``versions/go.mod`` (or can fetch what is).

    Raises:
        BuildError: it is not; the message says what to do.
    """
    if shutil.which("go") is None:
        raise BuildError(
            f"The control plane is built from Go modules, and there is no `go` on PATH. {_NEXT}"
        )
    asked = subprocess.run(
        ["go", "version"], cwd=VERSIONS, capture_output=True, text=True, check=False
    )
    if asked.returncode != 0:
        raise BuildError(
            f"This `go` is too old for the control plane: {asked.stderr.strip()}. {_NEXT}"
        )


def _failure(recipe: Recipe, log: Path) -> str:
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
    return (
        f"Building {recipe.name} failed. The end of {log}:\n{tail}\n"
        "When a download failed, try again: what was built so far is kept."
    )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """No other process builds while this one does; one that is building is waited for."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another process is building the control plane; waiting for it.", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
