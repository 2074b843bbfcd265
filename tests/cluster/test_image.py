"""The image that the Dockerfile makes, built by BuildKit on a base of Debian's packages.

What is in it is looked at here; ``test_node.py`` installs it with the chart and runs it.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from cluster.layers import File, Image
from controlplane import base
from controlplane.base import base_image, digest_of
from controlplane.builder import Builder
from controlplane.image import CHECKOUT, OPERATOR, build_operator, write_images, write_secrets
from controlplane.node import unable

HOME = "opt/tokencheck"
OURS = "tokencheck-0-1-0"  # name and version, as `normal` has them
CANARY = "canary-of-a-mirror-9d1f"
BASE_LAYERS = 1
UNCHECKED_HASH = 1  # https://peps.python.org/pep-0552/
LOCKED = re.compile(r"^([\w.-]+)==([^ ]+)( ; [^\\]+)? \\$", re.MULTILINE)


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    if reason := unable():
        pytest.skip(f"no image is built on this machine: {reason}")
    with Builder(tmp_path_factory.mktemp("image") / "builder") as made:
        yield made


@pytest.fixture(scope="module")
def image(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Built by a builder that knows nothing of another build."""
    file = tmp_path_factory.mktemp("image") / "image.tar"
    build_operator(builder, file, pip_conf=f"# {CANARY}")
    return Image(file)


@pytest.fixture(scope="module")
def files(image: Image) -> dict[str, File]:
    """What it adds to its base, by path."""
    return image.files(above=BASE_LAYERS)


@pytest.fixture(scope="module")
def packages(files: dict[str, File]) -> Path:
    """Where its packages are."""
    (found,) = [path for path in files if path.endswith("/site-packages")]
    return Path(found)


def test_two_builds_are_the_same_image(
    image: Image, files: dict[str, File], tmp_path: Path
) -> None:
    first, _ = write_images(tmp_path)
    other = Image(first).files(above=BASE_LAYERS)
    assert [path for path in files | other if differs(files.get(path), other.get(path))] == []
    assert Image(first).digest == image.digest


def differs(one: File | None, other: File | None) -> bool:
    """Whether two entries have another content, mode or time; one that is missing has."""
    if one is None or other is None:
        return True
    told = [(entry.mode, entry.mtime, entry.linkname, content) for entry, content in (one, other)]
    return told[0] != told[1]


def test_it_starts_the_operator_as_nobody(image: Image) -> None:
    runs = image.config["config"]
    environment = dict(line.split("=", 1) for line in runs["Env"])
    assert image.name == OPERATOR
    assert runs["User"] == "65532:65532"
    assert runs["Entrypoint"] == ["tokencheck"]
    assert runs["Cmd"] == ["operator", "--listen", "0.0.0.0:8080"]
    assert runs["WorkingDir"] == "/"
    assert list(runs["ExposedPorts"]) == ["8080/tcp"]
    assert environment.pop("PATH").split(":")[0] == f"/{HOME}/bin"
    assert environment == {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def test_it_adds_one_folder_to_its_base_which_nobody_may_write(files: dict[str, File]) -> None:
    for path, (entry, _) in files.items():
        assert path == "opt" or Path(path).is_relative_to(HOME), path
        assert (entry.uid, entry.gid) == (0, 0), path
        special = stat.S_ISUID | stat.S_ISGID | stat.S_IWGRP | stat.S_IWOTH
        assert entry.issym() or not entry.mode & special, path


def test_it_has_the_packages_of_the_lock_and_no_installer_or_compiler(
    files: dict[str, File], packages: Path
) -> None:
    folders = [path.parent.name for path in map(Path, files) if path.name == "METADATA"]
    installed = {normal(folder.removesuffix(".dist-info")) for folder in folders}
    assert installed == {*locked(packages), OURS}
    programs = {path.name for path in map(Path, files) if path.parent == Path(HOME, "bin")}
    assert {"python", "tokencheck", "kubectl-tokencheck"} <= programs
    assert not [name for name in programs if re.match(r"pip|gcc|cc|wheel|hatch|cython", name)]


def locked(packages: Path) -> set[str]:
    """``name-version`` of each package that the lock has for this system and the image's Python."""
    version = packages.parent.name.removeprefix("python")
    system = {"python_version": version, "python_full_version": f"{version}.0"}
    found = set()
    for name, pinned, marker in LOCKED.findall((CHECKOUT / "requirements/run.lock").read_text()):
        required = Requirement(f"{name}{marker}")
        if required.marker is None or required.marker.evaluate(system):
            found.add(normal(f"{name}-{pinned}"))
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_nothing_of_it_is_compiled_when_it_starts(files: dict[str, File], packages: Path) -> None:
    """And it does not look at times, of which a builder may make others."""
    tag = packages.parent.name.replace("python", "cpython-").replace(".", "")
    modules = [path for path in map(Path, files) if path.suffix == ".py"]
    assert packages / "tokencheck/cli/main.py" in modules
    for path in modules:
        _, compiled = files[str(path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc")]
        assert compiled[4:8] == UNCHECKED_HASH.to_bytes(4, "little"), path


def test_no_part_of_it_tells_where_packages_came_from(image: Image, tmp_path: Path) -> None:
    secrets = [file.read_bytes() for file in write_secrets(tmp_path).values()]
    for name, content in image.everything().items():
        assert CANARY.encode() not in content, name
        assert not any(secret in content for secret in secrets), name


def test_it_is_attested_of_what_and_how_it_was_made(image: Image) -> None:
    (statement,) = image.statements()
    assert statement["predicateType"].startswith("https://slsa.dev/provenance/")
    told = json.dumps(statement["predicate"])
    assert digest_of(base_image()).removeprefix("sha256:") in told
    assert "require-hashes" in told


def test_a_bill_of_materials_lists_what_the_image_has(
    builder: Builder, packages: Path, tmp_path: Path
) -> None:
    builder.build(
        CHECKOUT,
        *("--opt", "target=sbom", "--output", f"type=local,dest={tmp_path / 'sbom'}"),
        secrets=write_secrets(tmp_path),
    )
    (file,) = (tmp_path / "sbom").iterdir()
    assert file.name == "tokencheck.cdx.json"
    told = json.loads(file.read_text())
    assert told["bomFormat"] == "CycloneDX"
    assert told["metadata"]["component"]["name"] == "tokencheck"
    components = {normal(f"{one['name']}-{one['version']}") for one in told["components"]}
    assert components - {OURS} == locked(packages)
    # A scanner finds them in its databases by these.
    assert all(one["purl"].startswith("pkg:pypi/") for one in told["components"])


def test_a_machine_that_cannot_make_the_base_is_told_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get, dpkg-deb" in str(base.unable())
    for name, does in (("dpkg-deb", ""), ("apt-get", "echo")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    assert "no archive of Debian" in str(base.unable())
