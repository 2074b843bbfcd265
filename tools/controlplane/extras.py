"""Programs that some tests use and that no control plane needs: built when first asked for.

Each stands in a folder of its own version, so that a new one makes nobody build the others again.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from controlplane.build import BuildError, build_beside, require_go
from controlplane.cache import cache_folder
from controlplane.recipes import Recipe, kubernetes, versions_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Own(Recipe):
    """A program of a module of ours, in this folder, which says all versions."""

    folder: Path

    def command(self, target: Path) -> list[str]:
        """The command that writes the program below ``target``."""
        go, build, *rest = Recipe.command(self, target)
        return [go, build, "-C", str(self.folder), *rest]

    @property
    def version(self) -> str:
        """Changes with every file of the module."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.rglob("*")):
            digest.update(path.read_bytes() if path.is_file() else b"")
        return digest.hexdigest()[:12]


# Without service discovery, which checks no rule and is nine tenths of the build: the clients of
# every cloud.
PROMTOOL = Recipe(
    name="promtool",
    package="github.com/prometheus/prometheus/cmd/promtool@v0.316.0",
    tags="remove_all_sd",
    cold_s=120,
)


# The core of HashiCorp's Vault and its HTTP API, in memory, without plugins, clients of clouds and
# the web page. Its licence is no open one: the tests use it, and nothing that is shipped holds it.
VAULT = Own(
    name="vault",
    package=".",
    folder=Path(__file__).parent / "vault",
    cold_s=200,
)


# Judges manifests by JSON schemas.
KUBECONFORM = Own(
    name="kubeconform",
    package="github.com/yannh/kubeconform/cmd/kubeconform",
    folder=Path(__file__).parent / "kubeconform",
    cold_s=5,
)


# The token server that was written beside the first registry of container images.
TOKEN_SERVER = Own(
    name="token-server",
    package="github.com/docker/distribution/contrib/token-server",
    folder=Path(__file__).parent / "tokenserver",
    cold_s=20,
)


# A registry of container images that takes logins itself; without the clients of every cloud.
DISTRIBUTION = Own(
    name="distribution",
    package=".",
    folder=Path(__file__).parent / "distribution",
    cold_s=60,
)


# Enforces NetworkPolicies; it shares most of its packages with the control plane.
POLICIES = Own(
    name="policies",
    package=".",
    folder=Path(__file__).parent / "policies",
    cold_s=110,
)


# The module of the Prometheus Operator, of which nothing is built: its CRDs are in it.
_MONITORING = Path(__file__).parent / "monitoring"
_OPERATOR = "github.com/prometheus-operator/prometheus-operator"


# What runs Pods: containerd with runc, a network of one bridge, and the kubelet, which is built
# from the modules of the control plane and shares most of its packages. They are for Linux, and
# runc needs a C compiler; it is built without libseccomp, whose headers few machines have.
_NODE = Path(__file__).parent / "node"
_CONTAINERD = "github.com/containerd/containerd/v2/cmd"
_PLUGINS = "github.com/containernetworking/plugins/plugins"


def _of_node(package: str, cold_s: int, *, tags: str = "", cgo: bool = False) -> Own:
    name = package.rpartition("/")[2]
    return Own(name=name, package=package, folder=_NODE, cold_s=cold_s, tags=tags, cgo=cgo)


NODE = (
    kubernetes("kubelet", 40),
    _of_node(f"{_CONTAINERD}/containerd", 80, tags="no_btrfs no_zfs no_devmapper"),
    _of_node(f"{_CONTAINERD}/containerd-shim-runc-v2", 5),
    _of_node(f"{_CONTAINERD}/ctr", 10),
    _of_node("github.com/opencontainers/runc", 15, cgo=True),
    _of_node(f"{_PLUGINS}/main/bridge", 8),
    _of_node(f"{_PLUGINS}/ipam/host-local", 3),
)

# What builds the operator's image from its Dockerfile, with the node's runc.
_BUILDER = Path(__file__).parent / "builder"
_BUILDKIT = "github.com/moby/buildkit/cmd"
BUILDKITD = Own(name="buildkitd", package=f"{_BUILDKIT}/buildkitd", folder=_BUILDER, cold_s=130)
BUILDCTL = Own(name="buildctl", package=f"{_BUILDKIT}/buildctl", folder=_BUILDER, cold_s=10)


def extra(recipe: Recipe) -> Path:
    """The program, built now if need be.

    Raises:
        BuildError: it cannot be built here.
    """
    version = recipe.version if isinstance(recipe, Own) else recipe.package.rpartition("@")[2]
    folder = cache_folder() / "extras" / f"{recipe.name}-{version}"
    return build_beside(folder, recipe) / recipe.name


def node_programs() -> Path:
    """The folder with the programs of a node, built now if need be.

    Raises:
        BuildError: they cannot be built here.
    """
    version = f"{versions_key()}-{next(one.version for one in NODE if isinstance(one, Own))}"
    return build_beside(cache_folder() / "extras" / f"node-{version}", *NODE)


def monitoring_crds() -> Path:
    """The folder with the CRDs of the Prometheus Operator, a file each.

    Raises:
        BuildError: its module cannot be had here.
    """
    require_go()
    asked = ["go", "mod", "download", "-json", _OPERATOR]
    done = subprocess.run(asked, cwd=_MONITORING, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        told = done.stdout + done.stderr
        raise BuildError(f"{' '.join(asked)} failed in {_MONITORING}:\n{told}")
    return Path(json.loads(done.stdout)["Dir"]) / "example" / "prometheus-operator-crd"
