"""The images of a node: the operator's, which BuildKit builds from the Dockerfile, and a sandbox.

Packages come from where this machine's pip finds them. The operator's image is kept in the cache
until something that it is made of changes.
"""

from __future__ import annotations

import ast
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from controlplane.base import base_image, digest_of
from controlplane.build import locked
from controlplane.builder import Builder
from controlplane.cache import cache_folder

CHECKOUT = Path(__file__).parents[2]
OPERATOR = "docker.io/library/tokencheck:0.1.0"
# Files are of this second, and so is the image: two builds are one.
_EPOCH = "1767225600"
# A line of `pip config list`; of these options a build has to know.
_OPTION = re.compile(r"(?P<from>:env:|[\w-]+)\.(?P<name>[\w-]+)=(?P<value>.*)")
_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")


def write_images(folder: Path) -> list[Path]:
    """Both images of a node stand in the folder, as ``ctr images import`` takes them.

    Raises:
        BuildError: the base cannot be fetched, or a step of the Dockerfile failed.
    """
    operator, sandbox = folder / "operator.tar", folder / "sandbox.tar"
    cache = cache_folder() / "extras"
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "image.lock"):
        kept = cache / f"image-{_content()}.tar"
        if not kept.exists():
            for old in cache.glob("image-*"):
                old.unlink()
            _build_into(kept)
        shutil.copyfile(kept, operator)
    with tarfile.open(sandbox, "w") as archive:
        archive.add(base_image(), ".")
    return [operator, sandbox]


def build_operator(builder: Builder, image: Path, *, pip_conf: str = "") -> None:
    """The file is the operator's image, an OCI layout with its provenance, built just now.

    Args:
        builder: runs.
        image: where to.
        pip_conf: more lines of a configuration of pip, which no part of the image may show.
    """
    with tempfile.TemporaryDirectory() as secrets:
        builder.build(
            CHECKOUT,
            *("--opt", f"build-arg:SOURCE_DATE_EPOCH={_EPOCH}"),
            *("--opt", "attest:provenance=mode=max"),
            *("--output", f"type=oci,dest={image},name={OPERATOR},rewrite-timestamp=true"),
            secrets=write_secrets(Path(secrets), pip_conf),
        )


def write_secrets(folder: Path, more: str = "") -> dict[str, Path]:
    """By its name each secret of the Dockerfile: where this machine's pip finds packages.

    What stands in ``/etc/pip.conf`` may be a password, so no layer and no argument may have it.
    """
    told = _pip_options()
    lines = [f"{name} = {told[name]}" for name in _OPTIONS if name in told]
    found = {"pip.conf": folder / "pip.conf"}
    if authorities := told.get("cert"):
        found["ca.crt"] = Path(authorities)
        lines.append("cert = /run/secrets/ca.crt")
    found["pip.conf"].write_text("\n".join(["[global]", *lines, more, ""]))
    return found


def _build_into(kept: Path) -> None:
    print("Building the operator's image from the Dockerfile", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "image.tar"
        with Builder(Path(folder) / "builder") as builder:
            build_operator(builder, made)
        half = kept.with_suffix(".half")
        shutil.copyfile(made, half)
    half.rename(kept)


def _content() -> str:
    """Changes with everything that the image is made of."""
    digest = hashlib.sha256(digest_of(base_image()).encode())
    for path in (Path(__file__), CHECKOUT / "Dockerfile", *sorted(_context())):
        digest.update(f"{path.name}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _context() -> Iterator[Path]:
    """Every file that a build gets, as ``.dockerignore`` excepts it."""
    for line in (CHECKOUT / ".dockerignore").read_text().splitlines():
        for path in CHECKOUT.glob(line[1:]) if line.startswith("!") else ():
            inner = path.rglob("*") if path.is_dir() else (path,)
            yield from (one for one in inner if one.is_file() and one.suffix != ".pyc")


def _pip_options() -> dict[str, str]:
    """What this machine's pip is told, by files or the environment, which wins."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = sorted(told.splitlines(), key=lambda line: line.startswith(":env:"))
    found = [match for line in lines if (match := _OPTION.fullmatch(line))]
    return {one["name"]: str(ast.literal_eval(one["value"])) for one in found}
