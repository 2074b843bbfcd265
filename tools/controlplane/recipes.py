"""What is built, from which module, and how long that takes.

The versions of etcd and Kubernetes stand in ``versions/go.mod``; programs whose modules do
not fit beside it (their dependencies would move each other) are installed by version.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

VERSIONS = Path(__file__).parent / "versions"
KUBERNETES = "v1.37.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One program: what `go` is asked for, and the seconds a cold build takes on 2 cores."""

    name: str
    package: str
    cold_s: int
    ldflags: str = "-s -w"
    tags: str = ""
    cgo: bool = False

    @property
    def versioned(self) -> bool:
        """True when the package names its own version and needs no module around it."""
        return "@" in self.package

    def command(self, target: Path) -> list[str]:
        """The command that writes the program below ``target`` (a folder of its own)."""
        flags = ["-trimpath", "-ldflags", self.ldflags]
        flags += ["-tags", self.tags] if self.tags else []
        if self.versioned:
            return ["go", "install", *flags, self.package]
        return ["go", "build", *flags, "-o", str(target / self.name), self.package]


def version_flags(version: str) -> str:
    """What a program is linked with, or it would call itself v0.0.0-master+$Format:%H$."""
    major, minor, _ = version.removeprefix("v").split(".")
    told = (("gitVersion", version), ("gitMajor", major), ("gitMinor", minor))
    flags = (f"-X k8s.io/component-base/version.{name}={value}" for name, value in told)
    return " ".join(("-s -w", *flags))


def kubernetes(name: str, cold_s: int) -> Recipe:
    """A program of Kubernetes itself."""
    flags = version_flags(KUBERNETES)
    return Recipe(name=name, package=f"k8s.io/kubernetes/cmd/{name}", cold_s=cold_s, ldflags=flags)


RECIPES = (
    Recipe(
        name="etcd",
        package="go.etcd.io/etcd/server/v3",
        cold_s=49,
        ldflags=version_flags(KUBERNETES),
    ),
    kubernetes("kube-apiserver", 256),
    kubernetes("kube-controller-manager", 157),
    kubernetes("kube-scheduler", 19),
    kubernetes("kubectl", 44),
    Recipe(name="kwok", package="sigs.k8s.io/kwok/cmd/kwok@v0.8.0", cold_s=60),
    Recipe(name="helm", package="helm.sh/helm/v4/cmd/helm@v4.3.1", cold_s=130),
)
BY_NAME = {recipe.name: recipe for recipe in RECIPES}


def versions_key() -> str:
    """The name of the cache folder: changes with every version, flag and kind of machine."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        digest.update((VERSIONS / name).read_bytes())
    digest.update(repr(RECIPES).encode())
    digest.update(f"{platform.system()} {platform.machine()}".encode())
    return f"{KUBERNETES}-{digest.hexdigest()[:12]}"
