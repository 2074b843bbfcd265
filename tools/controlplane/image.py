"""The operator's image for a node, without a registry and without a build tool for images.

What the Dockerfile says of how it runs (user, environment, entry point) is taken from it. What
stands in it is put together here: this machine's Python instead of the base image, the packages
of ``requirements/run.lock`` as they are installed here, and the code of this checkout.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
OPERATOR, SANDBOX = "docker.io/library/tokencheck:0.1.0", "tokencheck.test/sandbox:1"
_HOME = Path("/opt/tokencheck")
_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
_PYTHON = Path(sys.base_prefix) / "bin" / _VERSION
# Of the standard library, what no program needs.
_LEFT_OUT = re.compile(
    r"/(test|tests|idlelib|tkinter|ensurepip|lib2to3|config-[^/]*|site-packages)/"
)
_PROGRAM = (
    f"#!{_HOME}/bin/python\nimport sys\nfrom tokencheck.cli.main import main\nsys.exit(main())\n"
)
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_images(path: Path) -> Path:
    """The file holds both images of a node, as ``docker save`` writes them, with one layer."""
    layer = path.with_suffix(".layer")
    _write_layer(layer)
    with layer.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    waits = {"Entrypoint": [str(_PYTHON), "-SEc", "import signal; signal.pause()"]}
    manifest = []
    with tarfile.open(path, "w") as archive:
        archive.add(layer, f"{digest}/layer.tar")
        for name, runs in ((OPERATOR, as_the_dockerfile_says()), (SANDBOX, waits)):
            config = _config(digest, runs)
            own = f"{hashlib.sha256(config).hexdigest()}.json"
            _put(archive, own, config)
            tags = {"RepoTags": [name], "Layers": [f"{digest}/layer.tar"]}
            manifest.append({"Config": own} | tags)
        _put(archive, "manifest.json", json.dumps(manifest).encode())
    layer.unlink()
    return path


def as_the_dockerfile_says() -> dict[str, Any]:
    """User, environment, folder, entry point and arguments of the Dockerfile's last stage."""
    text = (CHECKOUT / "Dockerfile").read_text()
    said = dict(re.findall(r"^([A-Z]+) (.*)$", text[text.rindex("\nFROM ") :], flags=re.MULTILINE))
    environment = said["ENV"].replace("$PATH", "/usr/local/bin:/usr/bin:/bin")
    return {
        "User": said["USER"],
        "WorkingDir": said["WORKDIR"],
        "Env": environment.split(),
        "Entrypoint": json.loads(said["ENTRYPOINT"]),
        "Cmd": json.loads(said["CMD"]),
    }


def _config(digest: str, runs: dict[str, Any]) -> bytes:
    """https://github.com/opencontainers/image-spec/blob/main/config.md."""
    told = {
        "architecture": _MACHINES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": runs,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    return json.dumps(told).encode()


def _write_layer(path: Path) -> None:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as layer:
        libraries: list[Path] = []
        for source, target in _files():
            layer.add(source, str(target).lstrip("/"), recursive=False, filter=_of_root)
            if ".so" in source.name:
                libraries.append(source)
        for library in _needed([_PYTHON, *libraries]):
            layer.add(library.resolve(), str(library).lstrip("/"), filter=_of_root)
        for name in ("python", "python3"):
            link = tarfile.TarInfo(f"{_HOME}/bin/{name}".lstrip("/"))
            link.type, link.linkname = tarfile.SYMTYPE, str(_PYTHON)
            layer.addfile(link)
        home = f"home = {_PYTHON.parent}\ninclude-system-site-packages = false\n"
        _put(layer, f"{_HOME}/pyvenv.cfg".lstrip("/"), home.encode())
        _put(layer, f"{_HOME}/bin/tokencheck".lstrip("/"), _PROGRAM.encode(), mode=0o755)


def _files() -> Iterator[tuple[Path, Path]]:
    """Every file with its place: Python, the locked packages, our code."""
    yield _PYTHON.resolve(), _PYTHON
    library = Path(sysconfig.get_path("stdlib"))
    for folder, _, names in os.walk(library):
        if not _LEFT_OUT.search(f"{folder}/"):
            yield from ((Path(folder, name), Path(folder, name)) for name in names)
    packages = _HOME / "lib" / _VERSION / "site-packages"
    for distribution in _installed():
        for file in distribution.files or ():
            if file.parts[0] != ".." and file.suffix != ".pth":
                yield Path(str(distribution.locate_file(file))), packages / file
    code = CHECKOUT / "operator"
    for path in (code / "tokencheck").rglob("*"):
        if path.is_file():
            yield path, packages / path.relative_to(code)


def _installed() -> Iterator[metadata.Distribution]:
    """Ours and those of the lock, but what is for another system or version of Python."""
    lock = (CHECKOUT / "requirements" / "run.lock").read_text()
    for name in ("tokencheck", *re.findall(r"^([\w.-]+)==", lock, flags=re.MULTILINE)):
        with suppress(metadata.PackageNotFoundError):
            yield metadata.distribution(name)


def _needed(programs: list[Path]) -> set[Path]:
    """The libraries of the system that these are linked with, and the loader."""
    told = subprocess.run(
        ["ldd", *map(str, programs)], capture_output=True, text=True, check=False
    ).stdout
    return {Path(found) for found in re.findall(r"(/\S+) \(0x", told)}


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _put(archive: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
