"""A base image for the Dockerfile, where no registry is: Debian with its Python and pip.

The packages of ``RELEASE`` are unpacked one over the other, signatures and hashes checked by apt;
none of their scripts runs. So it has what ``python:3.13-slim`` has (Python 3.13, venv, pip, a
shell, the certificates of the public authorities), laid out as Debian does. apt is told to look in
folders of its own: nothing is installed, and nothing of the machine's apt is changed.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from controlplane.build import BuildError, locked
from controlplane.cache import cache_folder

SANDBOX = "tokencheck.test/sandbox:1"
RELEASE = "trixie"
_PACKAGES = ("base-files", "base-passwd", "ca-certificates", "coreutils", "dash")
_PYTHON = ("python-is-python3", "python3-pip", "python3-venv")
_KEYS = "debian-archive-keyring.*"
_PROGRAMS = ("apt-get", "dpkg-deb")
# What slim images leave out too.
_LEFT_OUT = re.compile(r"\./usr/share/(doc|man|locale|info|lintian)/.")
_AUTHORITY = re.compile(r"\./usr/share/ca-certificates/.*\.crt")
_TAIL_LINES = 15
_MEDIA = "application/vnd.oci.image"
# Like Python's own images it waits, as long as nobody says what to run: a node's sandbox.
_RUNS = {
    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    "Cmd": ["python3", "-SEc", "import signal; signal.pause()"],
}


def unable() -> str | None:
    """Why no base image can be made on this machine; None when it can."""
    if missing := [name for name in _PROGRAMS if not shutil.which(name)]:
        return f"the base image is made of Debian's packages, by {', '.join(missing)}"
    return None if _archive() else "apt-get knows no archive of Debian, which the base is made of"


def base_image() -> Path:
    """The folder of the image, an OCI layout: fetched and put together now if need be.

    Raises:
        BuildError: a package cannot be fetched; says what apt said.
    """
    version = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    target = cache_folder() / "extras" / f"base-{RELEASE}-{version}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent / "base.lock"):
            if not target.exists():
                _make(target)
    return target


def digest_of(layout: Path) -> str:
    """The digest of the one image of a layout."""
    (only,) = json.loads((layout / "index.json").read_text())["manifests"]
    found: str = only["digest"]
    return found


def _make(target: Path) -> None:
    print(f"Making a base image of packages of Debian {RELEASE}", flush=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent) as temporary:
        folder = Path(temporary)
        packages = _fetched(folder / "apt")
        made = folder / "made"
        (made / "blobs" / "sha256").mkdir(parents=True)
        with tarfile.open(folder / "layer", "w", format=tarfile.GNU_FORMAT) as layer:
            _merge(packages, layer)
        _write_layout(made, folder / "layer")
        made.rename(target)


# Fetching


def _archive() -> str:
    """Where this machine's apt finds Debian; empty when it knows no such place."""
    chosen = ("Created-By: Packages", "Label: Debian", "Component: main")
    asked = ["apt-get", "indextargets", "--format", "$(SITE)", *chosen]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return next(iter(told.split()), "")


def _fetched(folder: Path) -> list[Path]:
    """The files of the packages and of all that they depend on; ``base-files`` first."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    keys = next(Path("/usr/share/keyrings").glob(_KEYS), None)
    signed = f"[signed-by={keys}] " if keys else ""
    (folder / "sources.list").write_text(f"deb {signed}{_archive()} {RELEASE} main\n")
    _apt(folder, "update")
    _apt(folder, "install", "--yes", "--download-only", *_PACKAGES, *_PYTHON)
    # It has the links from /bin and /lib into /usr, before anything is put there.
    found = sorted((folder / "cache" / "archives").glob("*.deb"))
    return sorted(found, key=lambda file: not file.name.startswith("base-files_"))


def _apt(folder: Path, *asked: str) -> None:
    own = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
    }
    options = [f"-o{name}={value}" for name, value in own.items()]
    command = ["apt-get", "--quiet", *options, *asked]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-_TAIL_LINES:])
        raise BuildError(f"apt-get {asked[0]} for the base image failed:\n{tail}")


# Putting together


def _merge(packages: list[Path], layer: tarfile.TarFile) -> None:
    """Every file of the packages is in the layer, and what their scripts would have made of it."""
    seen: set[str] = set()
    authorities = []
    for package in packages:
        for entry, content in _entries(package):
            if entry.name in seen or _LEFT_OUT.match(entry.name):
                continue
            seen.add(entry.name)
            layer.addfile(entry, io.BytesIO(content))
            if _AUTHORITY.fullmatch(entry.name):
                authorities.append(content)
            if entry.name.startswith("./usr/share/base-passwd/"):
                name = Path(entry.name).name.removesuffix(".master")
                _put(layer, f"./etc/{name}", content)
    _put(layer, "./etc/ssl/certs/ca-certificates.crt", b"".join(authorities))


def _entries(package: Path) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Each file of a package with its content, of which only a regular one has any."""
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    unpacked = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as files:
        for entry in files:
            content = files.extractfile(entry) if entry.isfile() else None
            yield entry, content.read() if content else b""


def _put(layer: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    layer.addfile(entry, io.BytesIO(content))


def _write_layout(folder: Path, layer: Path) -> None:
    """https://github.com/opencontainers/image-spec/blob/main/image-layout.md."""
    with layer.open("rb") as content:
        digest = f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"
    kept = {"mediaType": f"{_MEDIA}.layer.v1.tar", "digest": digest, "size": layer.stat().st_size}
    layer.rename(_blob(folder, digest))
    config = {
        "architecture": _architecture(),
        "os": "linux",
        "config": _RUNS,
        "rootfs": {"type": "layers", "diff_ids": [digest]},
    }
    described = {"schemaVersion": 2, "mediaType": f"{_MEDIA}.manifest.v1+json", "layers": [kept]}
    described["config"] = _kept(folder, f"{_MEDIA}.config.v1+json", config)
    manifest = _kept(folder, f"{_MEDIA}.manifest.v1+json", described)
    manifest["annotations"] = {"io.containerd.image.name": SANDBOX}
    index = {"schemaVersion": 2, "mediaType": f"{_MEDIA}.index.v1+json", "manifests": [manifest]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))


def _architecture() -> str:
    command = ["dpkg", "--print-architecture"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _kept(folder: Path, media: str, told: Mapping[str, Any]) -> dict[str, Any]:
    content = json.dumps(told).encode()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    _blob(folder, digest).write_bytes(content)
    return {"mediaType": media, "digest": digest, "size": len(content)}


def _blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / digest.replace(":", "/")
