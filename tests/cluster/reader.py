"""A person with a shell, a cluster and nothing but the pages of this project."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from cluster.shop import Signer, env, pod_spec, template
from controlplane import Api, ControlPlane, build
from controlplane.launch import CHECKOUT
from controlplane.process import free_ports


class Reader:
    """Somebody with a cluster, a Deployment `checkout` in `shop`, and nothing but the README."""

    def __init__(self, plane: ControlPlane, home: Path) -> None:
        self.plane = plane
        self.api: Api = plane.api()
        (home / ".kube").mkdir()
        (home / ".kube" / "config").write_text(plane.kubeconfig().read_text())
        self._groups: list[int] = []
        programs = build(["kubectl", "helm"])
        self.port = free_ports(1)[0]
        self.env = {
            "PATH": f"{programs}:{CHECKOUT / '.venv' / 'bin'}:{os.environ['PATH']}",
            "HOME": str(home),
            "TOKENCHECK_LISTEN": f"127.0.0.1:{self.port}",
        }

    def has_namespace(self, name: str) -> None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.api.apply(body)

    def has_a_shop(self) -> None:
        self.has_namespace("shop")
        self.api.wait("ServiceAccount", "default", "shop", until=bool)
        self.has_secret(Signer().token())
        self.api.create(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "checkout", "namespace": "shop"},
                "spec": {
                    "replicas": 2,
                    "selector": {"matchLabels": {"app": "checkout"}},
                    "template": template("checkout", pod_spec(env("payments-api"))),
                },
            }
        )

    def has_secret(self, token: str) -> None:
        meta = {"name": "payments-api", "namespace": "shop"}
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": meta,
            "stringData": {"token": token},
        }
        self.api.apply(body)

    def types(self, text: str, timeout_s: float = 90.0) -> subprocess.CompletedProcess[str]:
        """What the shell says to these lines; it stops at the first that fails."""
        with (
            subprocess.Popen(
                ["bash", "-e", "-o", "pipefail", "-c", text],
                cwd=CHECKOUT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=(out := Path(self.env["HOME"], "out").open("w+")),
                stderr=(err := Path(self.env["HOME"], "err").open("w+")),
                start_new_session=True,
            ) as shell,
            out,
            err,
        ):
            self._groups.append(shell.pid)
            code = shell.wait(timeout_s)
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(text, code, out.read(), err.read())

    def leaves(self) -> None:
        for group in self._groups:
            try:
                os.killpg(group, signal.SIGTERM)
            except ProcessLookupError:
                continue
