"""Loads the operator in this process and weighs each package on the way: prints JSON.

A module weighs what resident memory grew by while it was loaded, without what it had loaded itself:
code, classes, tables, and the pages of shared libraries that it touched.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
from collections import Counter
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

OPERATOR = "tokencheck.app.operator"
_STATM = Path("/proc/self/statm")
_PAGE_KIB = 4


def resident_kib() -> int:
    """Resident memory of this process now."""
    return int(_STATM.read_text().split()[1]) * _PAGE_KIB


class Scales(MetaPathFinder):
    """Finds modules as Python does, and weighs each that is loaded."""

    def __init__(self) -> None:
        """Nothing is weighed yet."""
        self.kib: Counter[str] = Counter()
        self.modules: Counter[str] = Counter()
        self._inner = [0]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that Python would find, with a loader that weighs."""
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Weighing(spec.loader, self)
        return spec

    def weigh(self, name: str, loader: Loader, module: ModuleType) -> None:
        """The module is loaded, and what it weighs is counted for its package."""
        self._inner.append(0)
        before = resident_kib()
        try:
            loader.exec_module(module)
        finally:  # one that is missing something may be tried in vain
            whole, package = resident_kib() - before, name.partition(".")[0]
            self.kib[package] += whole - self._inner.pop()
            self.modules[package] += 1
            self._inner[-1] += whole


class _Weighing(Loader):
    def __init__(self, inner: Loader, scales: Scales) -> None:
        self._inner = inner
        self._scales = scales

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._scales.weigh(module.__name__, self._inner, module)


def main() -> None:
    """What the interpreter has at first, what each package adds, and what is there at the end."""
    gc.disable()
    scales, first = Scales(), resident_kib()
    sys.meta_path.insert(0, scales)
    importlib.import_module(OPERATOR)
    told = {"first": first, "last": resident_kib(), "kib": scales.kib, "modules": scales.modules}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
