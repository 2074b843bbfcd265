"""Where the demo runs, and how it leaves no trace there."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import yaml

from controlplane import ControlPlane, OperatorProcess, build
from controlplane.access import write_private
from controlplane.launch import (
    CHECKOUT,
    NAMESPACE,
    OURS,
    POLICIES,
    RIGHTS,
    grant_operator,
    install_ours,
    render_chart,
)
from controlplane.process import Server
from demo.shop import NAMESPACE as SHOP
from demo.shop import PROVIDER, Manifest

_KNOWN_WAIT_S = 20.0


class DemoError(Exception):
    """The demo cannot go on; the text says why and what to do."""


class Cluster:
    """A cluster with our CRDs and an operator that runs on this machine.

    Args:
        context: of the user's kubeconfig; None starts a control plane of our own.
        keep: leave everything up at the end, unless something went wrong.
    """

    def __init__(self, context: str | None, *, keep: bool) -> None:
        """Nothing runs yet."""
        self._context = context
        self._keep = keep
        self._end = ExitStack()
        self._folder = Path(tempfile.mkdtemp(prefix="tokencheck-demo-"))
        self._end.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self._kubectl = "kubectl"
        self._plane: ControlPlane | None = None
        self._servers: list[Server] = []
        self._new_crds: list[str] = []
        self.kubeconfig: Path | None = None

    def __enter__(self) -> Self:
        """The API server answers and an operator with the chart's restricted rights is ready."""
        try:
            config = self._own() if self._context is None else self._existing()
            operator = OperatorProcess(config, self._folder / "operator.log", plane=self._plane)
            self._end.callback(operator.stop)
            operator.start()
            self._servers.append(operator.server)
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Nothing of the demo is left, unless it is to be kept and came to its end."""
        if self._keep and kind is None:
            self._end.pop_all()
        self._end.close()

    @property
    def kubectl_words(self) -> str:
        """The kubectl that a person types to see this cluster."""
        return " ".join(self.command())

    @property
    def tokencheck_options(self) -> str:
        """The options of `tokencheck` for this cluster."""
        return f"--context {self._context}" if self._context else f"--kubeconfig {self.kubeconfig}"

    @property
    def operator_log_end(self) -> str:
        """The last lines that the operator logged."""
        return self._servers[-1].log_tail() if self._servers else ""

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl and return what it printed.

        Raises:
            DemoError: it failed.
        """
        done = subprocess.run(
            self.command(*args), input=stdin, capture_output=True, text=True, check=False
        )
        if check and done.returncode != 0:
            raise DemoError(f"kubectl {' '.join(args[:3])} failed: {done.stderr.strip()}")
        return done.stdout

    def command(self, *args: str) -> list[str]:
        """The command line of kubectl for this cluster."""
        where = ["--kubeconfig", str(self.kubeconfig)] if self.kubeconfig else []
        return [
            self._kubectl,
            *where,
            *(["--context", self._context] if self._context else []),
            *args,
        ]

    def apply(self, manifests: Iterable[Manifest]) -> None:
        """The objects are there as the manifests say.

        A kind that is new may be unknown to admission for some seconds (503): it is tried again.
        """
        items = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
        deadline = time.monotonic() + _KNOWN_WAIT_S
        while True:
            try:
                self.kubectl("apply", "-f", "-", stdin=items)
            except DemoError as error:
                if "ServiceUnavailable" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def kept_words(self) -> list[str]:
        """What a person types to end what was kept."""
        # Nothing of it is kept after that, so nothing has to be put in order first.
        lines = [f"kill -9 {' '.join(str(server.pid) for server in self._servers)}"]
        if self._context is not None:
            delete = f"{self.kubectl_words} delete"
            lines += [
                f"{delete} namespace {SHOP} {NAMESPACE}",
                f"{delete} tokenprovider {PROVIDER}",
                f"{delete} clusterrole,clusterrolebinding -l {OURS}",
                f"{delete} validatingadmissionpolicy,validatingadmissionpolicybinding -l {OURS}",
            ]
            lines += [f"{delete} crd {' '.join(self._new_crds)}"] if self._new_crds else []
        return [*lines, f"rm -r {self._folder}"]

    # Ways to a cluster

    def _own(self) -> Path:
        self._kubectl = str(build() / "kubectl")
        plane = self._plane = ControlPlane(self._folder / "cluster", detached=self._keep)
        self._end.callback(plane.stop)
        plane.start()
        self._servers += plane.servers.values()
        install_ours(plane)
        self.kubeconfig = plane.kubeconfig("admin")
        return grant_operator(plane)

    def _existing(self) -> Path:
        self._kubectl = shutil.which("kubectl") or str(build(["kubectl"]) / "kubectl")
        self._require_room()
        crds = CHECKOUT / "crds"
        for crd in sorted(crds.glob("*.yaml")):
            name = yaml.safe_load(crd.read_text())["metadata"]["name"]
            if not self._finds("crd", name):
                self._new_crds.append(name)
                self._end.callback(self.kubectl, "delete", "crd", name, check=False)
                self.kubectl("apply", "-f", str(crd))
        self.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(crds))
        rights = [one for one in render_chart() if one["kind"] in RIGHTS]
        policies = [one for one in render_chart() if one["kind"].startswith(POLICIES)]
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        self._end.callback(self._forget, [*rights, *policies, space])
        self.apply([space, *rights, *policies])
        return self._service_account(rights)

    def _require_room(self) -> None:
        """Nothing in the cluster has a name that the demo will take away at its end."""
        shown = self.command("config", "get-contexts", str(self._context))
        if subprocess.run(shown, capture_output=True, check=False).returncode != 0:
            raise DemoError(
                f"~/.kube/config has no context {self._context} (the demo looks at no other file); "
                "kubectl config get-contexts lists those it has"
            )
        if self._finds("clusterrole", "-l", OURS) or self._finds("namespace", NAMESPACE):
            raise DemoError(
                "tokencheck is installed in that cluster already, and the demo would get in its "
                "way; name another context, or leave CONTEXT out"
            )
        if self._finds("namespace", SHOP):
            raise DemoError(
                f"namespace {SHOP} exists in that cluster; delete it, or name another context"
            )

    def _finds(self, *what: str) -> bool:
        return bool(self.kubectl("get", *what, "--ignore-not-found", "-o", "name"))

    def _service_account(self, rights: list[dict[str, Any]]) -> Path:
        """The kubeconfig of the operator: the user's way to the cluster, with rights of its own."""
        name = next(one["metadata"]["name"] for one in rights if one["kind"] == "ServiceAccount")
        token = self.kubectl("create", "token", name, "-n", NAMESPACE, "--duration", "24h").strip()
        view = self.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json")
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": json.loads(view)["clusters"][0]["cluster"]}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        }
        return write_private(self._folder / "operator.kubeconfig", json.dumps(config))

    def _forget(self, manifests: list[Manifest]) -> None:
        objects = {"apiVersion": "v1", "kind": "List", "items": manifests}
        self.kubectl("delete", "namespace", SHOP, "--ignore-not-found", check=False)
        self.kubectl("delete", "tokenprovider", PROVIDER, "--ignore-not-found", check=False)
        self.kubectl(
            "delete", "--ignore-not-found", "-f", "-", stdin=json.dumps(objects), check=False
        )
