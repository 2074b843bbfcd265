"""The operator as a process of its own, with the rights that the chart gives it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from controlplane import older
from controlplane.api import ApiError, Object
from controlplane.build import build
from controlplane.plane import ControlPlane
from controlplane.process import Server, StartError, free_ports
from tokencheck.core.rights.policy import PROBE_REFUSAL, probe

CHECKOUT = Path(__file__).parents[2]
CHART = CHECKOUT / "charts" / "tokencheck"
NAMESPACE = "tokencheck-system"
# The label of every object of the chart, and the kinds among them that give rights.
OURS = "app.kubernetes.io/name=tokencheck"
RIGHTS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
POLICIES = ("Validating", "Mutating")
_ENFORCED_WAIT_S = 60.0
# Kinds of which the chart asks whether the cluster has them: those of one that stamps who asked,
# and those of ours.
STAMPING = ("admissionregistration.k8s.io/v1/MutatingAdmissionPolicy",)
SERVED = STAMPING if older.stamps() else ()
# What of our environment the operator may see: nothing that points at a cluster or at a proxy.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TOKENCHECK_LOG_LEVEL")


class OperatorProcess:
    """``tokencheck operator`` running from this environment."""

    def __init__(
        self,
        kubeconfig: Path,
        log: Path,
        *,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        plane: ControlPlane | None = None,
        elects: bool = False,
    ) -> None:
        """Nothing runs yet.

        Args:
            kubeconfig: who it is; see :func:`grant_operator`.
            log: where stdout and stderr go.
            args: more of its command line.
            env: more of its environment.
            plane: ends the process when this one dies.
            elects: whether it takes part in an election, as it does by default. One that runs
                alone need not wait for the end of the Lease of one that was killed.
        """
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        listen = f"127.0.0.1:{self.port}"
        program = str(Path(sys.prefix) / "bin" / "tokencheck")
        command = [program, "operator", "--kubeconfig", str(kubeconfig), "--listen", listen, *args]
        command += [] if elects else ["--no-leader-elect"]
        self.server = Server("tokencheck operator", command, log)
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._env = kept | dict(env or {})
        self._plane = plane

    def start(self, *, ready: bool = True, timeout_s: float = 30.0) -> OperatorProcess:
        """The process runs and, unless told otherwise, says that it is ready."""
        self.server.start(env=self._env)
        if self._plane:
            self._plane.guard(self.server)
        if ready:
            self.wait_ready(timeout_s=timeout_s)
        return self

    def wait_ready(self, *, timeout_s: float = 30.0) -> None:
        """``/readyz`` answers 200.

        Raises:
            StartError: with the end of the log, when it ends or is not ready in time.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self.server.require_alive()
            if self.get("/readyz")[0] == 200:
                return
            time.sleep(0.05)
        answer = self.get("/readyz")
        raise StartError(f"Not ready in {timeout_s} s: {answer}\n{self.server.log_tail()}")

    def get(self, path: str) -> tuple[int, str]:
        """Status code and body of one of its pages; code 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as answer:  # noqa: S310  our own http URL
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    def metrics(self) -> dict[str, float]:
        """Every sample of ``/metrics``, keyed ``name{label="value"}`` as it stands there."""
        lines = self.get("/metrics")[1].splitlines()
        samples = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    def log_text(self) -> str:
        """Everything that it wrote so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_lines(self) -> Iterator[dict[str, Any]]:
        """The structured lines of its log; others are left out."""
        for line in self.log_text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                yield entry

    def stop(self, *, kill: bool = False) -> int | None:
        """It has ended: by SIGTERM, or by SIGKILL with ``kill``. Returns its exit code."""
        self.server.stop(kill=kill)
        return self.server.exit_code


def grant_operator(
    plane: ControlPlane, values: Mapping[str, Any] | None = None, *, namespace: str = NAMESPACE
) -> Path:
    """The chart's ServiceAccount and RBAC are in the cluster; returns its kubeconfig.

    What an earlier call granted and these values do not is taken away.

    Args:
        plane: which cluster.
        values: of the chart, on top of its defaults (``{"secrets": {"scope": "named", …}}``).
        namespace: where the operator lives.
    """
    granted = [one for one in render_chart(values, namespace=namespace) if one["kind"] in RIGHTS]
    for manifest in granted:
        _ensure_namespace(plane, manifest["metadata"].get("namespace"))
        plane.api().apply(manifest)
    kept = {_identity(one["kind"], one) for one in granted}
    for kind in RIGHTS:
        for found in plane.api().list(kind, labelSelector=OURS):
            if _identity(kind, found) not in kept:
                plane.api().delete(kind, *_identity(kind, found)[1:])
    accounts = [one["metadata"]["name"] for one in granted if one["kind"] == "ServiceAccount"]
    return plane.kubeconfig_for_service_account(namespace, accounts[0])


def install_ours(plane: ControlPlane, *, status_writers: Sequence[str] = ("admin",)) -> None:
    """Our CRDs and the chart's admission policies are in force, as after ``helm install``.

    Args:
        plane: which cluster.
        status_writers: users that may write a status beside the operator; the admin, who runs an
            operator by hand and stands in for one in tests.
    """
    plane.install(*sorted((CHECKOUT / "crds").glob("*.yaml")))
    install_policies(plane, {"admission": {"statusWriters": list(status_writers)}})


def install_policies(plane: ControlPlane, values: Mapping[str, Any] | None = None) -> None:
    """The admission policies of the chart are there and enforced."""
    for manifest in render_chart(values):
        if manifest["kind"].startswith(POLICIES):
            plane.api().apply(manifest)
    wait_enforced(plane)
    wait_stamped(plane)


def wait_enforced(plane: ControlPlane, *, namespace: str = "default", yes: bool = True) -> None:
    """The API server refuses what the requester policy refuses, or not any more.

    Raises:
        StartError: it did not come to that in time.
    """
    path = plane.api().path("TokenCheck", namespace)
    deadline = time.monotonic() + _ENFORCED_WAIT_S
    while time.monotonic() < deadline:
        try:
            plane.api().request("POST", path, probe("probe", namespace), query={"dryRun": "All"})
        except ApiError as error:
            if (PROBE_REFUSAL in str(error)) is yes:
                return
        else:
            if not yes:
                return
        time.sleep(0.02)
    raise StartError(f"the requester policy is {'not' if yes else 'still'} enforced")


def wait_stamped(plane: ControlPlane) -> None:
    """The API server writes who asked, where it can: before that, nobody may ask."""
    if not older.stamps():
        return
    check = probe("stamp", "default")
    del check["metadata"]["labels"]
    path = plane.api().path("TokenCheck", "default")
    deadline = time.monotonic() + _ENFORCED_WAIT_S
    while time.monotonic() < deadline:
        try:
            made = plane.api().request("POST", path, check, query={"dryRun": "All"})
        except ApiError:
            made = {"metadata": {}}
        if "tokencheck.dev/requester" in made["metadata"].get("annotations", {}):
            return
        time.sleep(0.02)
    raise StartError("TokenChecks are not stamped with who asked for them")


def _identity(kind: str, found: Object) -> tuple[str, str, str | None]:
    return kind, found["metadata"]["name"], found["metadata"].get("namespace")


def _ensure_namespace(plane: ControlPlane, name: str | None) -> None:
    if name and not plane.api().find("Namespace", name):
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        plane.api().create(body)


def render_chart(
    values: Mapping[str, Any] | None = None,
    *,
    namespace: str = NAMESPACE,
    api_versions: Sequence[str] = SERVED,
    tests: bool = False,
) -> list[Object]:
    """The objects of :func:`chart_text`; namespaced ones say their namespace.

    Raises:
        RuntimeError: Helm refused; its message says why.
    """
    text = chart_text(values, namespace=namespace, api_versions=api_versions, tests=tests)
    objects = [one for one in yaml.safe_load_all(text) if one]
    for one in objects:
        if not one["kind"].startswith(("Cluster", "Custom", "Validating", "Mutating")):
            one["metadata"].setdefault("namespace", namespace)
    return objects


def chart_text(
    values: Mapping[str, Any] | None = None,
    *,
    namespace: str = NAMESPACE,
    api_versions: Sequence[str] = SERVED,
    tests: bool = False,
) -> str:
    """The chart, rendered by Helm, as YAML.

    Args:
        values: on top of the chart's own.
        namespace: of the release.
        api_versions: that the cluster serves beside those that Helm takes for granted.
        tests: those of `helm test` too, which no install makes.

    Raises:
        RuntimeError: Helm refused; its message says why.
    """
    helm = build(["helm"]) / "helm"
    with tempfile.TemporaryDirectory() as home:
        given = Path(home) / "values.yaml"
        given.write_text(yaml.safe_dump(dict(values or {})))
        done = subprocess.run(
            [
                str(helm),
                "template",
                "tokencheck",
                str(CHART),
                "-n",
                namespace,
                "-f",
                str(given),
                *(f"--api-versions={one}" for one in api_versions),
                *(() if tests else ("--skip-tests",)),
            ],
            env={"HOME": home, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(f"helm template {CHART} failed:\n{done.stderr}")
    return done.stdout
