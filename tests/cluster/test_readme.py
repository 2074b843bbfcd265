"""Every example of the README, the examples and the pages, on a real API server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster.shop import Signer, env, pod_spec, ready, template
from controlplane import Api, ControlPlane, build
from controlplane.process import free_ports
from pages import Page, pages

CHECKOUT = Path(__file__).parents[2]
README = Page(CHECKOUT / "README.md")
FIVE_MINUTES = "Five minutes to your first check"
OURS = "tokencheck.dev/"


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

    def has_a_shop(self) -> None:
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
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


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with ControlPlane() as plane:
        made = Reader(plane, tmp_path_factory.mktemp("home"))
        made.has_a_shop()
        yield made
        made.leaves()


@pytest.fixture(scope="module")
def first_check(reader: Reader) -> subprocess.CompletedProcess[str]:
    """The commands of `Five minutes to your first check` as they are written, typed once."""
    typed = reader.types(README.blocks("bash", below=FIVE_MINUTES)[0])
    print(typed.stdout, typed.stderr)
    return typed


def test_the_five_minutes_lead_to_a_verdict(
    reader: Reader, first_check: subprocess.CompletedProcess[str]
) -> None:
    assert first_check.returncode == 0, first_check
    assert "kind: TokenCheck" in first_check.stdout
    assert "payments-api" in first_check.stdout
    assert ready(reader.api.get("TokenCheck", "checkout", "shop"))[0] == "True"


def test_the_helm_install_follows_on_the_five_minutes(
    reader: Reader, first_check: subprocess.CompletedProcess[str]
) -> None:
    """The CRDs stand there already, applied by hand."""
    assert first_check.returncode == 0
    command = README.blocks("bash", below=FIVE_MINUTES)[1]
    done = reader.types(command)
    assert done.returncode == 0, done
    assert reader.api.get("Deployment", "tokencheck", "tokencheck-system")
