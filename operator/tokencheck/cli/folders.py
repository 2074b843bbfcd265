"""Manifests of files and of whole folders, as `kubectl apply -R -f` would find them."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tokencheck.cli.manifests import manifests_in
from tokencheck.model.errors import UsageError

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_STDIN = Path("-")


def objects_in(paths: Iterable[Path]) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of files, of folders with all below them, and of standard input (``-``).

    Raises:
        UsageError: a file cannot be read, or a folder holds no manifest.
    """
    for path in paths:
        if path == _STDIN:
            yield from manifests_in("/dev/stdin")
        elif path.is_dir():
            files = sorted(f for f in path.rglob("*") if f.suffix in _SUFFIXES and f.is_file())
            if not files:
                raise UsageError(f"The folder {path} holds no .yaml, .yml or .json file.")
            for file in files:
                yield from manifests_in(str(file))
        else:
            yield from manifests_in(str(path))
