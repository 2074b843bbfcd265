"""The kubernetes package, as far as it is used: what its asyncio half knows about credentials.

To import any part of it, Python runs the `__init__` of each package around that part, and those
load all there is: the client for threads too, requests, OAuth, websockets, pydantic. That is 20 MiB
of a process that nobody uses. Empty packages of the same names, in which the same modules are
found, spare it. The half for threads is not found at all: Kopf looks for a class of it, and does
without.
"""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path

NAME = "kubernetes"
_AIO, _CONFIG = f"{NAME}.aio", f"{NAME}.aio.config"


def spare_the_rest() -> None:
    """Have each module of the package loaded for itself, unless somebody has loaded all of them."""
    found = find_spec(NAME) if NAME not in sys.modules else None
    for folder in (found and found.submodule_search_locations) or ():
        aio = Path(folder, "aio")
        _put(NAME)
        _put(_AIO, aio)
        _put(_CONFIG, aio / "config")


def _put(name: str, *folders: Path) -> None:
    """A package of this name is there, with the modules of these folders and no code of its own."""
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [str(folder) for folder in folders]
    sys.modules[name] = module = module_from_spec(spec)
    parent, _, own = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], own, module)
