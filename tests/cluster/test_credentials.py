"""The API server gets another authority, a token ends or cannot be read: the operator goes on.

Nothing is restarted for it, in a Pod or with a kubeconfig; what is wrong is said in our own words.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cluster.account import Account
from cluster.ending import end
from cluster.second import Second, second_of
from cluster.shop import Shop, eventually, listed, ready
from controlplane import ControlPlane, OperatorProcess
from controlplane.access import write_private
from controlplane.launch import NAMESPACE

GOOD = ("True", "AllChecksPassed")
EXPIRED = ("False", "TokenExpired")
RENEWED_S = 30.0
TOLD_S = 60.0
FOREIGN = ("Errno", "CERTIFICATE", "certificate verify", "self-signed", "exists but empty")
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


class Identity(ABC):
    """The files by which an operator knows who it is and whom it trusts."""

    def __init__(self, folder: Path, server: Second, token: str) -> None:
        self.folder = folder
        self.server = server
        self.token = token
        self.authority = server.authority
        folder.mkdir()
        self.write()

    @abstractmethod
    def write(self) -> None:
        """They say what stands here now."""

    @abstractmethod
    def spoil(self) -> None:
        """They are there and of no use."""

    @abstractmethod
    def operator(self, plane: ControlPlane) -> OperatorProcess:
        """One that reads them."""

    def put(self, name: str, text: str) -> None:
        """As a kubelet does: no reader sees half of it."""
        write_private(self.folder / f"{name}.new", text).rename(self.folder / name)


class Kubeconfig(Identity):
    """One file for all."""

    def write(self) -> None:
        self.put("ca.crt", self.authority)
        cluster = {"server": self.server.url, "certificate-authority": "ca.crt"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": self.token}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }
        self.put("kubeconfig", json.dumps(config))

    def spoil(self) -> None:
        text = (self.folder / "kubeconfig").read_text()
        self.put("kubeconfig", text[: len(text) // 2])

    def operator(self, plane: ControlPlane) -> OperatorProcess:
        log = self.folder.parent / "operator.log"
        return OperatorProcess(self.folder / "kubeconfig", log, plane=plane)


class Pod(Identity):
    """The folder of the service account, at its place in a mount namespace of its own."""

    def write(self) -> None:
        self.put("ca.crt", self.authority)
        self.put("namespace", NAMESPACE)
        self.put("token", self.token)

    def spoil(self) -> None:
        self.put("token", "")

    def operator(self, plane: ControlPlane) -> OperatorProcess:
        env = {
            "HOME": str(self.folder.parent),
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(self.server.port),
            "POD_NAMESPACE": NAMESPACE,
        }
        log = self.folder.parent / "operator.log"
        process = OperatorProcess(Path("-"), log, env=env, plane=plane)
        command = process.server.command
        at = command.index("--kubeconfig")
        del command[at : at + 2]
        within = ["unshare", "-rm", "sh", "-c", AS_POD, "sh", str(self.folder)]
        process.server.command = [*within, *command]
        return process


@pytest.fixture(scope="module")
def second(
    controlplane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Second]:
    with second_of(controlplane, tmp_path_factory.mktemp("second")) as server:
        yield server


@pytest.fixture
def account(controlplane: ControlPlane) -> Iterator[Account]:
    with closing(Account(controlplane)) as made:
        yield made


@pytest.fixture(params=[Kubeconfig, Pod], ids=["kubeconfig", "pod"])
def identity(
    request: pytest.FixtureRequest, second: Second, account: Account, tmp_path: Path
) -> Identity:
    if request.param is Pod and not may_mount():
        pytest.skip("no mount namespace for us on this machine: util-linux and root are needed")
    made: Identity = request.param(tmp_path / "identity", second, account.token())
    return made


@pytest.fixture
def running(controlplane: ControlPlane, identity: Identity) -> Iterator[OperatorProcess]:
    process = identity.operator(controlplane)
    try:
        yield process.start()
    finally:
        end(process)


class Judged:
    """A check whose token is a bad one and a good one in turn, and others that are new."""

    def __init__(self, shop: Shop, running: OperatorProcess) -> None:
        self._shop, self._running = shop, running
        self._provider = {"providerRef": {"name": shop.provider()}}
        self._turn = 0
        shop.secret("payments", shop.signer.token())
        shop.check("payments", listed("payments", **self._provider))
        shop.reads("payments", *GOOD)

    def goes_on(self) -> None:
        """Changes are seen in time, those of our own kinds too, and the process says it is well."""
        began = time.monotonic()
        self._turn += 1
        bad = self._turn % 2
        token = self._shop.signer.expired() if bad else self._shop.signer.token()
        name = f"new-{self._turn}"
        self._shop.secret("payments", token)
        self._shop.check(name, listed("payments", **self._provider))
        for check in ("payments", name):
            self._shop.reads(check, *(EXPIRED if bad else GOOD), timeout_s=RENEWED_S)
        eventually(lambda: self._running.get("/readyz")[0] == 200, timeout_s=RENEWED_S)
        print(f"went on after {time.monotonic() - began:.1f} s")

    def stands(self) -> None:
        """What was said last is said still."""
        said = {ready(one.object) for one in self._shop.history("payments")[-1:]}
        assert said == {EXPIRED if self._turn % 2 else GOOD}


def told(running: OperatorProcess, *troubles: str) -> None:
    """These and no others stand in the metrics; the page and the log have their words."""

    def now() -> set[str]:
        named = 'tokencheck_api_credentials_failing{reason="'
        shown = running.metrics().items()
        return {key.removeprefix(named)[:-2] for key, on in shown if on and named in key}

    eventually(lambda: now() == set(troubles), timeout_s=TOLD_S)
    said = json.loads(running.get("/readyz")[1])
    assert said["credentials"].keys() == set(troubles)
    for trouble, words in said["credentials"].items():
        assert (words in said["reasons"]) is (trouble != "Unreadable")
        assert any(line.get("message") == words for line in running.log_lines())


def test_authority_and_token_change_under_a_running_operator_and_it_goes_on(
    identity: Identity, running: OperatorProcess, shop: Shop, second: Second, account: Account
) -> None:
    pid, shown = running.server.pid, []
    judged = Judged(shop, running)

    second.renew()
    told(running, "Untrusted")
    judged.stands()
    shown.append(running.get("/readyz")[1])
    identity.authority = second.authority
    identity.write()
    judged.goes_on()
    told(running)
    judged.goes_on()  # by Kopf's watch: our own kinds were listed a moment ago

    before = identity.token
    if isinstance(identity, Pod):  # reads it again before it must
        identity.spoil()
        told(running, "Unreadable")
        judged.goes_on()
    account.end(before)
    unread = ["Unreadable"] if isinstance(identity, Pod) else []
    told(running, "Refused", *unread)
    identity.spoil()
    told(running, "Refused", "Unreadable")
    judged.stands()
    shown.append(running.get("/readyz")[1])
    identity.token = account.token()
    identity.write()
    judged.goes_on()
    told(running)
    judged.goes_on()  # by Kopf's watch: our own kinds were listed a moment ago

    assert (running.server.pid, running.server.exit_code) == (pid, None)
    words = "\n".join([*shown, running.log_text(), running.get("/metrics")[1]])
    assert not [text for text in (*FOREIGN, before, identity.token) if text in words]
