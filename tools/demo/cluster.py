"""Where the demo runs, and how it leaves no trace there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import yaml

from controlplane import ControlPlane, OperatorProcess, build
from controlplane.access import write_kubeconfig
from controlplane.launch import CHECKOUT, NAMESPACE, grant_operator, render_chart
from demo.shop import NAMESPACE as SHOP
from demo.shop import PROVIDER, Manifest

_RIGHTS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


class DemoError(Exception):
    """The demo cannot go on; the text says why and what to do."""


class Cluster:
    """A cluster with our CRDs and an operator that runs on this machine.

    Args:
        context: of the user's kubeconfig; None starts a control plane of our own.
        keep: leave everything up at the end.
    """

    def __init__(self, context: str | None, *, keep: bool) -> None:
        """Nothing runs yet."""
        self._context = context
        self._keep = keep
        self._end = ExitStack()
        self._folder = Path(tempfile.mkdtemp(prefix="tokencheck-demo-"))
        self._kubectl = "kubectl"
        self.kubeconfig: Path | None = None
        self.operator: OperatorProcess | None = None
        self._pids: list[int] = []

    def __enter__(self) -> Self:
        """The API server answers and an operator with the chart's restricted rights is ready."""
        try:
            operator_config = self._own() if self._context is None else self._existing()
            log = self._folder / "operator.log"
            self.operator = OperatorProcess(operator_config, log)
            self.operator.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        if not self._keep:
            self._end.callback(self.operator.stop)
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing of the demo is left, unless it is to be kept."""
        if not self._keep:
            self._end.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def kubectl_words(self) -> str:
        """The kubectl that a person types to see this cluster."""
        if self._context is not None:
            return f"kubectl --context {self._context}"
        return f"{self._kubectl} --kubeconfig {self.kubeconfig}"

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
        """The objects are there as the manifests say."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(items))

    def kept_words(self) -> list[str]:
        """What a person types to end what was kept."""
        assert self.operator is not None  # noqa: S101  entered
        pids = [self.operator.server.pid, *self._pids]
        lines = [f"kill {' '.join(str(pid) for pid in pids if pid)}"]
        if self._context is not None:
            lines.append(f"{self.kubectl_words} delete namespace {SHOP} {NAMESPACE}")
        return lines

    # Ways to a cluster

    def _own(self) -> Path:
        self._kubectl = str(build() / "kubectl")
        plane = ControlPlane(self._folder / "cluster", detached=self._keep)
        plane.start()
        if self._keep:
            self._pids = [server.pid for server in plane.servers.values() if server.pid]
        else:
            self._end.callback(plane.stop)
        plane.install(*sorted((CHECKOUT / "crds").glob("*.yaml")))
        self.kubeconfig = plane.kubeconfig("admin")
        return grant_operator(plane)

    def _existing(self) -> Path:
        self._kubectl = shutil.which("kubectl") or str(build(["kubectl"]) / "kubectl")
        if self.kubectl("get", "namespace", SHOP, "--ignore-not-found", "-o", "name"):
            raise DemoError(
                f"namespace {SHOP} exists in that cluster; delete it, or name another context"
            )
        crds = CHECKOUT / "crds"
        for crd in sorted(crds.glob("*.yaml")):
            name = yaml.safe_load(crd.read_text())["metadata"]["name"]
            if not self.kubectl("get", "crd", name, "--ignore-not-found", "-o", "name"):
                self.kubectl("apply", "-f", str(crd))
                self._end.callback(self.kubectl, "delete", "crd", name, check=False)
        self.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(crds))
        rights = [one for one in render_chart() if one["kind"] in _RIGHTS]
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        self._end.callback(self._forget, [*rights, space])
        self.apply([space, *rights])
        return self._service_account(rights)

    def _service_account(self, rights: list[dict[str, Any]]) -> Path:
        name = next(one["metadata"]["name"] for one in rights if one["kind"] == "ServiceAccount")
        token = self.kubectl("create", "token", name, "-n", NAMESPACE, "--duration", "1h").strip()
        shown = json.loads(
            self.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json")
        )
        cluster = shown["clusters"][0]["cluster"]
        ca_file = self._folder / "ca.crt"
        import base64

        ca_file.write_bytes(base64.b64decode(cluster.get("certificate-authority-data", "")))
        return write_kubeconfig(
            self._folder / "operator.kubeconfig",
            server=cluster["server"],
            ca_file=ca_file,
            token=token,
            user=name,
        )

    def _forget(self, manifests: list[Manifest]) -> None:
        objects = {"apiVersion": "v1", "kind": "List", "items": manifests}
        self.kubectl("delete", "namespace", SHOP, "--ignore-not-found", check=False)
        self.kubectl("delete", "tokenprovider", PROVIDER, "--ignore-not-found", check=False)
        self.kubectl(
            "delete", "--ignore-not-found", "-f", "-", stdin=json.dumps(objects), check=False
        )


def end_kept(pids: Iterable[int]) -> None:
    """The processes are asked to end."""
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
