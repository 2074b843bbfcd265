"""`make demo` as a person runs it: a real process, piped. What it shows, what it leaves behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from controlplane import Api, ControlPlane
from controlplane.cache import cache_folder
from demo.shop import NAMESPACE, PROVIDER
from processes import processes_with, wait_gone

CONTEXT = "somebody-s-cluster"
VERDICTS = {
    "archive": ("True", "PassedWithWarnings", "never ends"),
    "checkout": ("True", "AllChecksPassed", "12 checks passed"),
    "ledger": ("False", "TokenExpired", "rotate it"),
    "mailer": ("False", "SecretNotFound", "create Secret tokencheck-demo/mailer-api"),
    "refunds": ("True", "PassedWithWarnings", '"payments:admin"'),
    "reports": ("True", "PassedWithWarnings", "2 of 2 Pods hold an older value"),
    "search": ("True", "PassedWithWarnings", "white space after the token"),
    "webhooks": ("False", "SignatureInvalid", "no known key made it"),
}
PATIENCE_S = 120.0


def _in_the_foreground() -> None:
    """Ctrl-C counts, also where the tests were started with `&`, which has it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Demo:
    """One run of the demo. Everything it starts and writes can be told by its folder."""

    def __init__(self, checkout: Path, folder: Path, *args: str, **env: str) -> None:
        self.folder = folder / "tmp"
        self.folder.mkdir()
        self.home = folder
        self.checkout = checkout
        self._out = folder / "out.txt"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMPDIR": str(self.folder),
            "TOKENCHECK_CACHE": str(cache_folder()),
            "PYTHONPATH": "tools",
            "PYTHONUNBUFFERED": "1",
        } | env
        with self._out.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo", *args],
                cwd=checkout,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_in_the_foreground,
            )

    @property
    def text(self) -> str:
        return self._out.read_text()

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        code = self.process.wait(PATIENCE_S)
        print(self.text)
        return code

    def said(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while words not in self.text:
            assert self.process.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(0.05)

    def press_ctrl_c(self) -> None:
        """As a terminal does: to everything in the foreground."""
        os.killpg(self.process.pid, signal.SIGINT)

    def left(self) -> list[object]:
        """Processes and files of the run that are still there."""
        return [*wait_gone(self.folder), *self.folder.iterdir()]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)
        for line in processes_with(self.folder):
            os.kill(int(line.split(None, 1)[0]), signal.SIGKILL)


@pytest.fixture(scope="module")
def started() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def lure(started: ExitStack) -> socket.socket:
    """A port that the kubeconfig of the environment points at: nobody may ever ring there."""
    listening = started.enter_context(socket.create_server(("127.0.0.1", 0)))
    listening.setblocking(False)
    return listening


@pytest.fixture(scope="module")
def somebody(started: ExitStack) -> ControlPlane:
    """A cluster that was there before, without anything of ours."""
    return started.enter_context(ControlPlane())


@pytest.fixture(scope="module")
def runs(
    checkout: Path,
    started: ExitStack,
    lure: socket.socket,
    somebody: ControlPlane,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Demo]:
    """Three demos at the same time: each waits for most of its minute."""
    homes = {name: tmp_path_factory.mktemp(name) for name in ("plain", "kept", "guest")}
    exported = homes["plain"] / "exported"
    exported.write_text(_kubeconfig(f"https://127.0.0.1:{lure.getsockname()[1]}", "nobody"))
    (homes["guest"] / ".kube").mkdir()
    (homes["guest"] / ".kube" / "config").write_text(_of(somebody))
    made = {
        "plain": Demo(checkout, homes["plain"], KUBECONFIG=str(exported)),
        "kept": Demo(checkout, homes["kept"], "--keep"),
        "guest": Demo(checkout, homes["guest"], "--context", CONTEXT, KUBECONFIG=str(exported)),
    }
    for demo in made.values():
        started.callback(demo.close)
    return made


def _kubeconfig(server: str, token: str, **cluster: str) -> str:
    named = [{"name": CONTEXT}]
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": CONTEXT,
            "clusters": [named[0] | {"cluster": {"server": server} | cluster}],
            "users": [named[0] | {"user": {"token": token}}],
            "contexts": [named[0] | {"context": {"cluster": CONTEXT, "user": CONTEXT}}],
        }
    )


def _of(plane: ControlPlane) -> str:
    config = json.loads(plane.kubeconfig().read_text())
    token = config["users"][0]["user"]["token"]
    return _kubeconfig(plane.at.server, token, **{"certificate-authority": str(plane.at.ca_file)})


def ours(api: Api) -> list[str]:
    """What stands in the cluster under the names of the demo or of the chart."""
    kinds = ("Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition")
    names = [one["metadata"]["name"] for kind in kinds for one in api.list(kind)]
    return [name for name in names if "tokencheck" in name]


def test_the_demo_shows_all_eight_verdicts_as_the_readme_does(
    runs: dict[str, Demo], checkout: Path
) -> None:
    assert runs["plain"].ended() == 0
    shown = {
        found[1]: found.groups()[1:]
        for found in re.finditer(
            r"^(\w+) +(True|False) +(\w+) +\d+/\d+ +(.*)$", runs["plain"].text, re.M
        )
    }
    assert shown.keys() == VERDICTS.keys()
    page = (checkout / "README.md").read_text()
    for name, (ready, reason, words) in VERDICTS.items():
        assert shown[name][:2] == (ready, reason)
        assert words in shown[name][2]
        assert re.search(rf"^{name} +{ready} +{reason} ", page, re.M), name


def test_the_demo_shows_the_rotation_the_rollout_and_the_expiry_while_they_happen(
    runs: dict[str, Demo],
) -> None:
    text = runs["plain"].text
    assert runs["plain"].ended() == 0
    for words in (
        r"reports: Ready=False TokenExpired[\s\S]+reports-api was rotated: Ready=True \d+ ms",
        r"checkout: Ready=Unknown RolloutInProgress[\s\S]+checkout is verified again \d+ ms",
        r"The token of ledger ended, and Ready=False followed \d+ ms later",
    ):
        assert re.search(words, text), words


def test_the_demo_lists_the_events_of_the_operator(runs: dict[str, Demo]) -> None:
    assert runs["plain"].ended() == 0
    events = runs["plain"].text.partition("What the operator told")[2]
    assert re.search(r"Warning +TokenExpired +ledger", events)
    assert re.search(r"Normal +RolloutVerified", events)


def test_the_demo_leaves_no_process_and_no_folder_behind(runs: dict[str, Demo]) -> None:
    assert runs["plain"].ended() == 0
    assert runs["plain"].left() == []


def test_a_kept_demo_stays_up_and_the_printed_commands_work_and_end_it(
    runs: dict[str, Demo],
) -> None:
    kept = runs["kept"]
    assert kept.ended() == 0
    tries, ends = re.findall(r"It stays up. Try:\n([\s\S]+)and end it with:\n([\s\S]+)", kept.text)[
        0
    ]
    said = [_typed(kept, line) for line in tries.splitlines()]
    assert [done.returncode for done in said] == [0, 0, 1], said  # audit: some tokens are bad
    assert "webhooks" in said[0].stdout
    assert "payments:admin" in said[1].stdout
    assert "TokenExpired" in said[2].stdout
    for line in ends.splitlines():
        done = _typed(kept, line)
        assert done.returncode == 0, done
    assert kept.left() == []


def _typed(demo: Demo, line: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": demo.env["PATH"], "HOME": demo.env["HOME"]}
    return subprocess.run(
        ["bash", "-c", line],
        cwd=demo.checkout,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_cluster_that_lent_itself_has_nothing_of_the_demo_afterwards(
    runs: dict[str, Demo], somebody: ControlPlane
) -> None:
    guest = runs["guest"]
    assert guest.ended() == 0
    assert "Ready=False followed" in guest.text
    written = [
        event["objectRef"].get("name")
        for event in somebody.audit_events()
        if event["verb"] == "create" and event["objectRef"]["resource"] == "tokenproviders"
    ]
    assert written == [PROVIDER]
    assert ours(somebody.api()) == []
    assert guest.left() == []


def test_nobody_rang_at_the_cluster_of_an_exported_kubeconfig(
    runs: dict[str, Demo], lure: socket.socket
) -> None:
    assert (runs["plain"].ended(), runs["guest"].ended()) == (0, 0)
    with pytest.raises(BlockingIOError):
        lure.accept()


@pytest.mark.parametrize("moment", ["waiting for the first verdict", "rolling Deployment checkout"])
def test_ctrl_c_takes_everything_down_even_what_should_be_kept(
    checkout: Path, tmp_path: Path, started: ExitStack, moment: str
) -> None:
    demo = Demo(checkout, tmp_path, "--keep")
    started.callback(demo.close)
    demo.said(moment)
    assert processes_with(demo.folder)
    demo.press_ctrl_c()
    assert demo.ended() == 130
    assert "everything is taken down" in demo.text
    assert "Traceback" not in demo.text
    assert demo.left() == []


def test_ctrl_c_gives_a_lent_cluster_back_as_it_was(
    runs: dict[str, Demo], checkout: Path, tmp_path: Path, somebody: ControlPlane
) -> None:
    assert runs["guest"].ended() == 0
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(_of(somebody))
    demo = Demo(checkout, tmp_path, "--context", CONTEXT)
    try:
        demo.said("rotating Secret")
        assert NAMESPACE in ours(somebody.api())
        demo.press_ctrl_c()
        assert demo.ended() == 130
    finally:
        demo.close()
    assert ours(somebody.api()) == []
    assert demo.left() == []


def test_the_demo_keeps_away_from_a_cluster_where_tokencheck_is_installed(
    runs: dict[str, Demo], checkout: Path, tmp_path: Path, somebody: ControlPlane
) -> None:
    assert runs["guest"].ended() == 0
    label = {"labels": {"app.kubernetes.io/name": "tokencheck"}, "name": "tokencheck"}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": label}
    somebody.api().create(role | {"rules": []})
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(_of(somebody))
    demo = Demo(checkout, tmp_path, "--context", CONTEXT)
    try:
        assert demo.ended() == 1
    finally:
        demo.close()
        somebody.api().delete("ClusterRole", "tokencheck")
    assert "installed in that cluster already" in demo.text
    assert ours(somebody.api()) == []
    assert demo.left() == []


def test_a_context_that_does_not_exist_is_said_with_what_to_do(
    checkout: Path, tmp_path: Path
) -> None:
    demo = Demo(checkout, tmp_path, "--context", "nowhere")
    assert demo.ended() == 1
    assert "~/.kube/config has no context nowhere" in demo.text
    assert "kubectl config get-contexts" in demo.text
    assert demo.left() == []
