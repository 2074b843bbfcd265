"""A real node: a kubelet with containerd and runc, which nobody has to have installed.

They run in mount, process, network and cgroup namespaces of their own (``files/node.sh``):
nothing of the machine is changed, and all of it ends with its first process. Pods have addresses
on a bridge in there; ``10.96.0.1:443``, which they know as the API server, leads to the control
plane's.

Not there: seccomp profiles, which are taken out (``files/runtime.py``), and AppArmor; all else of
a Pod's security context is enforced. No DNS and no Services (kube-proxy), so a Pod is reached by
its address; no registry; no logs, exec and proxy, as the API server knows no way to the kubelet.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from controlplane import access, base, cgroups, netns, node_files
from controlplane.access import NODE
from controlplane.api import Object
from controlplane.commands import FILES
from controlplane.enclosed import enclosed, namespaces
from controlplane.extras import node_programs
from controlplane.image import write_images
from controlplane.plane import ControlPlane
from controlplane.process import Server, StartError
from controlplane.relay import Relay

T = TypeVar("T")
API_SERVER, ADDRESS = "10.96.0.1", "10.99.0.2"
_PARTS = ("unshare", "mount", "ip")
_WAIT_S = 90.0
_NAMESPACES = "mpnC"
# What a container that may much cannot do yet.
_TRY = """
mkdir lower upper work on
mount -t overlay over -o lowerdir=lower,upperdir=upper,workdir=work on
ip link add try type bridge
"""


def unable() -> str | None:
    """Why this machine runs no node; None when it does."""
    if sys.platform != "linux":
        return "a kubelet needs Linux"
    # The third number is how many users there are: all, but in a user namespace.
    if os.geteuid() != 0 or Path("/proc/self/uid_map").read_text().split()[2] != str(2**32 - 1):
        return "a kubelet needs root: namespaces, mounts and cgroups"
    if missing := [name for name in _PARTS if not shutil.which(name)]:
        return f"a node needs {', '.join(missing)} (util-linux, iproute2)"
    if not (shutil.which("gcc") or os.environ.get("CC")):
        return "runc is built with a C compiler (gcc)"
    if not (found := cgroups.hierarchies()):
        return "the node is made for cgroups of version 1, and this machine has version 2"
    if not all(os.access(folder, os.W_OK) for folder in found):
        return "no cgroup may be made"
    with tempfile.TemporaryDirectory() as folder:
        asked = ["unshare", *namespaces(_NAMESPACES), "sh", "-euc", _TRY]
        tried = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"namespaces, an overlay or a bridge: {tried.stderr}"
    return base.unable()


class Node:
    """A node of a control plane that has a scheduler and controllers. Use it with ``with``."""

    def __init__(self, plane: ControlPlane) -> None:
        """Nothing runs yet."""
        self._plane = plane
        self._folder = plane.folder / "node"
        self._cgroups: list[Path] = []
        self._images: list[Path] = []
        self._door: Relay | None = None
        self._server: Server
        # Its first process, by whose namespaces everything of it is found.
        self.pid = 0

    def __enter__(self) -> Self:
        """The Node is Ready and has the image of this checkout.

        Raises:
            BuildError: its programs cannot be built here.
            StartError: it is not Ready in time.
        """
        programs = node_programs()
        self._folder.mkdir()
        try:
            self._images = write_images(self._folder)
            self._configure(programs)
            self._begin(programs)
            self._wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Everything of it has ended."""
        self.stop()

    def stop(self) -> None:
        """Every process, mount and cgroup of it is gone."""
        if "node" in self._plane.servers:
            self._plane.end("node", kill=True)
        if self._door:
            self._door.close()
            self._door = None
        cgroups.remove(self._cgroups)

    # Looking into it

    def get(self, address: str, port: int, path: str) -> tuple[int, str]:
        """Status code and body of a Pod's page as the kubelet gets it; 0 without an answer."""
        return netns.get(self.pid, address, port, path)

    def files(self, path: str) -> Path:
        """A path as the node sees it."""
        return Path("/proc", str(self.pid), "root", path.lstrip("/"))

    def processes(self, pod_uid: str, container_id: str) -> list[int]:
        """The process ids, on this machine, of one container of a Pod (``containerd://…``)."""
        below = f"kubepods/**/pod{pod_uid}/{container_id.rpartition('/')[2]}/cgroup.procs"
        found = [file for folder in self._cgroups[:1] for file in folder.glob(below)]
        return sorted(int(pid) for file in found for pid in file.read_text().split())

    def logs(self) -> str:
        """The last lines of what the kubelet and containerd wrote."""
        files = [self._folder / f"{name}.log" for name in ("node", "containerd", "kubelet")]
        texts = [file.read_text(errors="replace") for file in files if file.exists()]
        return "\n".join(line for text in texts for line in text.splitlines()[-15:])

    # How it starts

    def _configure(self, programs: Path) -> None:
        node_files.write(self._folder, programs)
        access.write_kubeconfig(
            self._folder / "kubelet.kubeconfig",
            server=f"https://{API_SERVER}:443",
            ca_file=self._plane.at.ca_file,
            token=self._plane.token_of(f"system:node:{NODE}"),
            user=NODE,
        )

    def _begin(self, programs: Path) -> None:
        self._cgroups = cgroups.make("tokencheck-node-")
        first = ["sh", str(FILES / "node.sh"), str(self._folder), NODE, ADDRESS, API_SERVER]
        command = enclosed(self._cgroups, _NAMESPACES, first)
        path = f"{programs}:{os.environ['PATH']}"
        self._server = self._plane.launch("node", command, env={"PATH": path})
        self.pid = self._wait(self._first_process)
        self._door = self._wait(self._opened)
        self._load(programs)
        (self._folder / "go").touch()

    def _load(self, programs: Path) -> None:
        """Containerd has the images; its client ends well when that is so."""
        socket = self._folder / "containerd.sock"
        self._wait(socket.exists)
        command = [str(programs / "ctr"), "--address", str(socket), "-n", "k8s.io"]
        for image in self._images:
            self._import([*command, "images", "import", str(image)])
            image.unlink()

    def _import(self, command: list[str]) -> None:
        client = Server("ctr", command, self._folder / "ctr.log")
        client.start()
        self._wait(lambda: client.exit_code is not None)
        if client.exit_code:
            raise StartError(f"an image could not be imported:\n{client.log_tail()}")

    def _first_process(self) -> int:
        children = Path("/proc", str(self._server.pid), "task", str(self._server.pid), "children")
        found = children.read_text().split()
        return int(found[0]) if found else 0

    def _opened(self) -> Relay | None:
        """The way from the address of the API server in there to where it listens."""
        if os.readlink(f"/proc/{self.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            return None
        bound = netns.socket_in(self.pid)
        try:
            bound.bind((API_SERVER, 443))
        except OSError:
            bound.close()
            return None
        return Relay(self._plane.at.api_port, bound=bound)

    def _wait_ready(self) -> None:
        def ready(found: Object) -> bool:
            self._server.require_alive()
            told = found.get("status", {}).get("conditions") or ()
            return any(one["type"] == "Ready" and one["status"] == "True" for one in told)

        try:
            self._plane.api().wait("Node", NODE, until=ready, timeout_s=_WAIT_S)
        except TimeoutError as late:
            raise StartError(f"the node is not Ready: {late}\n{self.logs()}") from None

    def _wait(self, found: Callable[[], T | None]) -> T:
        """What is found, as soon as it is."""
        deadline = time.monotonic() + _WAIT_S
        while time.monotonic() < deadline:
            self._server.require_alive()
            if it := found():
                return it
            time.sleep(0.05)
        raise StartError(f"the node does not start:\n{self.logs()}")
