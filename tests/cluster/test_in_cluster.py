"""In a Pod the operator needs no kubeconfig, and follows the token that the kubelet writes anew.

Its process gets what a Pod gets: the folder of the service account at its place, in a mount
namespace of its own, and the address of the API server in its environment.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cluster.shop import Shop, eventually, listed
from controlplane import Api, ApiError, ControlPlane, OperatorProcess
from controlplane.launch import NAMESPACE, grant_operator

ACCOUNT = "tokencheck"
GOOD = ("True", "AllChecksPassed")
EXPIRED = ("False", "TokenExpired")
# A token's file is read again each minute and when the server refuses it; a machine may be busy.
PATIENCE_S = 180.0
AS_POD = """
set -e
run="$(readlink -f /var/run)"
mount -t tmpfs none "$run"
mkdir -p "$run/secrets/kubernetes.io/serviceaccount"
mount --bind "$1" "$run/secrets/kubernetes.io/serviceaccount"
shift
exec "$@"
"""


def may_mount() -> bool:
    """Whether this machine lets us have a mount namespace."""
    asked = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return bool(shutil.which("unshare")) and not subprocess.run(asked, check=False).returncode


@dataclass
class Pod:
    """What a Pod gets of its service account; the kubelet's part is ours."""

    plane: ControlPlane
    folder: Path

    def rotate(self, number: int) -> str:
        """The file holds a token of its own, which ends with the Secret that it is bound to."""
        bound = {"name": f"bound-{number}", "namespace": NAMESPACE}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": bound}
        uid = self.plane.api().apply(secret)["metadata"]["uid"]
        ref = {"apiVersion": "v1", "kind": "Secret", "name": bound["name"], "uid": uid}
        spec: dict[str, Any] = {"expirationSeconds": 3600, "boundObjectRef": ref}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = self.plane.api().path("ServiceAccount", NAMESPACE, ACCOUNT, "token")
        token = str(self.plane.api().request("POST", path, body)["status"]["token"])
        fresh = self.folder / "token.new"
        fresh.write_text(token)
        fresh.rename(self.folder / "token")
        return token

    def end(self, number: int, token: str) -> None:
        """The API server takes the token no more."""
        self.plane.api().delete("Secret", f"bound-{number}", NAMESPACE)
        eventually(lambda: is_refused(self.plane.api_for_token(token)), timeout_s=60.0)


def is_refused(api: Api) -> bool:
    try:
        api.list("TokenCheck")
    except ApiError as error:
        return error.code == 401
    return False


@pytest.fixture
def pod(controlplane: ControlPlane, tmp_path: Path) -> Pod:
    if not may_mount():
        pytest.skip("no mount namespace for us on this machine: util-linux and root are needed")
    grant_operator(controlplane)
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    shutil.copy(controlplane.at.ca_file, folder / "ca.crt")
    (folder / "namespace").write_text(NAMESPACE)
    return Pod(controlplane, folder)


@pytest.fixture
def running(pod: Pod, tmp_path: Path) -> Iterator[OperatorProcess]:
    env = {
        "HOME": str(tmp_path),
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(pod.plane.at.api_port),
        "POD_NAMESPACE": NAMESPACE,
    }
    log = tmp_path / "operator.log"
    process = OperatorProcess(Path("-"), log, env=env, plane=pod.plane)
    command = process.server.command
    at = command.index("--kubeconfig")
    del command[at : at + 2]
    process.server.command = ["unshare", "-rm", "sh", "-c", AS_POD, "sh", str(pod.folder), *command]
    pod.rotate(1)
    try:
        yield process.start()
    finally:
        process.stop()
        print(process.server.log_tail())


def test_a_pod_needs_no_kubeconfig_and_its_token_may_change_under_it(
    pod: Pod, running: OperatorProcess, shop: Shop
) -> None:
    first = (pod.folder / "token").read_text()
    shop.secret("payments", shop.signer.token())
    shop.check("payments", listed("payments", providerRef={"name": shop.provider()}))
    shop.reads("payments", *GOOD)
    pod.rotate(2)
    pod.end(1, first)
    # Its watches end with the server: they and Kopf's come again with the new token alone.
    pod.plane.restart_apiserver()
    shop.secret("payments", shop.signer.expired())
    shop.reads("payments", *EXPIRED, timeout_s=PATIENCE_S)
    shop.secret("later", shop.signer.token())
    shop.check("later", listed("later", providerRef={"name": shop.namespace}, name="later"))
    shop.reads("later", *GOOD, timeout_s=PATIENCE_S)
    eventually(lambda: running.get("/readyz")[0] == 200, timeout_s=PATIENCE_S)
    words = running.log_text()
    assert first not in words
    assert (pod.folder / "token").read_text() not in words
