"""Projects for Node.js that some tests run: their packages are fetched once, into the cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from controlplane.build import BuildError, locked
from controlplane.cache import cache_folder

OIDC_PROVIDER = Path(__file__).parent / "oidcprovider"

_FILES = (".npmrc", "main.mjs", "package-lock.json", "package.json")
_TAIL_LINES = 20
_NODE = 20
_NEXT = f"Install Node.js {_NODE} or newer with npm: on Debian, apt-get install nodejs npm"


def installed(project: Path) -> Path:
    """Return a copy of the project in the cache that has its packages: ``node main.mjs`` runs.

    They are those of its lock, checked by their hashes, and none of their scripts is run.

    Args:
        project: a folder with ``main.mjs``, ``package.json``, its lock and ``.npmrc``.

    Raises:
        BuildError: there is no Node.js, it is too old, or a package cannot be fetched.
    """
    target = cache_folder() / "extras" / f"{project.name}-{_version(project)}"
    _require_node()
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent / f"{project.name}.lock"):
            if not target.exists():
                _install(project, target)
    return target


def _version(project: Path) -> str:
    """Changes with every file of the project."""
    digest = hashlib.sha256()
    for name in _FILES:
        digest.update((project / name).read_bytes())
    return digest.hexdigest()[:12]


def _install(project: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent) as temporary:
        made = Path(temporary) / project.name
        made.mkdir()
        for name in _FILES:
            shutil.copy(project / name, made)
        command = ["npm", "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"]
        done = subprocess.run(
            command,
            cwd=made,
            env=os.environ | {"npm_config_update_notifier": "false"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            tail = "\n".join(done.stdout.splitlines()[-_TAIL_LINES:])
            raise BuildError(f"{' '.join(command)} failed for {project.name}:\n{tail}")
        made.rename(target)


def _require_node() -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise BuildError(f"There is no `node`, or no `npm`, on PATH. {_NEXT}")
    asked = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    major = asked.stdout.strip().removeprefix("v").partition(".")[0]
    if not major.isdecimal() or int(major) < _NODE:
        raise BuildError(f"This `node` is too old ({asked.stdout.strip()}). {_NEXT}")
