"""One running control plane: start it, talk to it, break it, end it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self, TypeAlias

import yaml

from controlplane import access, commands, older
from controlplane.api import Api, ApiError, Object
from controlplane.build import build
from controlplane.process import Reaper, Server, StartError, free_ports, wait_listening

_READY_WAIT_S = 180.0  # on a machine that others keep busy


class Part(StrEnum):
    """What may stand beside etcd and the API server."""

    CONTROLLERS = "kube-controller-manager"
    SCHEDULER = "kube-scheduler"
    KWOK = "kwok"


Follower: TypeAlias = "Callable[[ControlPlane], AbstractContextManager[None]]"


class ControlPlane:
    """Etcd, an API server and the chosen parts, on free ports of 127.0.0.1.

    Use it as a context manager, or call :meth:`start` and :meth:`stop`. All servers end with
    this Python process, unless ``detached``.

    Attributes:
        followers: each is entered with every control plane of this Python process that has
            started, and left before it stops.
    """

    followers: ClassVar[list[Follower]] = []

    def __init__(
        self,
        folder: Path | None = None,
        *,
        parts: Sequence[Part] = tuple(Part),
        tenants: Sequence[str] = ("alice", "bob"),
        apiserver_flags: Sequence[str] = (),
        detached: bool = False,
    ) -> None:
        """Nothing runs yet.

        Args:
            folder: where keys, data and logs go; a temporary one, removed at the end, by default.
            parts: none of them gives an API server whose objects nobody acts on.
            tenants: users without any right, in the group ``tenants``.
            apiserver_flags: more flags of kube-apiserver.
            detached: the servers outlive this process.
        """
        self._own_folder = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="tokencheck-"))
        self._parts = tuple(parts)
        self._users = access.users_of(tuple(tenants))
        self._flags = tuple(apiserver_flags)
        self._detached = detached
        self._reaper: Reaper | None = None
        self._apis: dict[str, Api] = {}
        self._made: list[Api] = []
        self._followed = ExitStack()
        self.servers: dict[str, Server] = {}
        self.at = commands.Layout(
            programs=Path(), folder=self.folder, etcd_port=0, peer_port=0, api_port=0, kwok_port=0
        )

    # Life

    def start(self) -> Self:
        """The programs are built, the API server is ready, Pods can be scheduled.

        Raises:
            BuildError: a program could not be built.
            StartError: a server did not come up.
        """
        try:
            self._prepare()
            self.launch("etcd", commands.etcd(self.at))
            wait_listening(self.servers["etcd"], self.at.etcd_port)
            self.launch("kube-apiserver", commands.kube_apiserver(self.at, self._flags))
            self._wait_ready()
            self._start_parts()
            for follow in self.followers:
                self._followed.enter_context(follow(self))
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Every server has ended; a temporary folder is gone."""
        try:
            self._followed.close()
        finally:
            self._end_all()

    def _end_all(self) -> None:
        for api in self._made:
            api.close()
        for server in reversed(self.servers.values()):
            server.stop(kill=True)
        self.servers.clear()
        if self._reaper:
            self._reaper.close()
            self._reaper = None
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        """Starts."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops."""
        self.stop()

    def stop_apiserver(self, *, kill: bool = False) -> None:
        """Nobody answers on the API server's port; etcd keeps the objects."""
        self.end("kube-apiserver", kill=kill)

    def start_apiserver(self) -> None:
        """The API server is ready again: same port, certificate, users and objects."""
        self.begin("kube-apiserver")
        self._wait_ready()
        for crd in self.api().list("CustomResourceDefinition"):
            self._wait_served(crd["spec"])

    def restart_apiserver(self, *, kill: bool = True, down_s: float = 0.0) -> None:
        """The API server has ended (all watches with it), stayed away, and is ready again.

        Without ``kill`` it drains its watches first, which takes more than ten seconds.
        """
        self.stop_apiserver(kill=kill)
        time.sleep(down_s)
        self.start_apiserver()

    def end(self, name: str, *, kill: bool = False) -> None:
        """The server of this name in ``servers`` has ended."""
        server = self.servers[name]
        server.stop(kill=kill)
        if self._reaper:
            self._reaper.forget(server)

    def begin(self, name: str) -> None:
        """It runs again; whether it serves is for the caller to find out."""
        self.servers[name].start()
        self.guard(self.servers[name])

    # Talking to it

    def api(self, user: str = "admin") -> Api:
        """A client with the user's token (one a user, safe to use from several threads)."""
        if user not in self._apis:
            self._apis[user] = self.api_for_token(self._users[user].token)
        return self._apis[user]

    def token_of(self, user: str) -> str:
        """The bearer token of ``admin`` or of a tenant."""
        return self._users[user].token

    def api_for_token(self, token: str) -> Api:
        """A client with any bearer token; it is closed when the control plane stops."""
        made = Api("127.0.0.1", self.at.api_port, str(self.at.ca_file), token)
        self._made.append(made)
        return made

    def kubeconfig(self, user: str = "admin") -> Path:
        """The kubeconfig of ``admin`` or of a tenant."""
        return self.at.kubeconfig(user)

    def kubeconfig_for_service_account(
        self, namespace: str, name: str, *, lifetime_s: int = 86_400
    ) -> Path:
        """A kubeconfig with a fresh token of the service account, which must exist."""
        return access.write_kubeconfig(
            self.folder / f"sa-{namespace}-{name}.kubeconfig",
            server=self.at.server,
            ca_file=self.at.ca_file,
            token=self.token_for_service_account(namespace, name, lifetime_s=lifetime_s),
            user=f"{namespace}-{name}",
        )

    def token_for_service_account(
        self, namespace: str, name: str, *, audience: str = "", lifetime_s: int = 86_400
    ) -> str:
        """A token by TokenRequest, for the API server or another audience."""
        spec: dict[str, Any] = {"expirationSeconds": lifetime_s}
        if audience:
            spec["audiences"] = [audience]
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = self.api().path("ServiceAccount", namespace, name, "token")
        token: str = self.api().request("POST", path, body)["status"]["token"]
        return token

    def kubectl(
        self, *args: str, user: str = "admin", stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """The built kubectl ran with these arguments, as this user.

        Raises:
            RuntimeError: it ended with another code than 0 and ``check`` is set.
        """
        done = subprocess.run(
            [str(self.at.programs / "kubectl"), f"--kubeconfig={self.kubeconfig(user)}", *args],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise RuntimeError(
                f"kubectl {' '.join(args)} ended with {done.returncode}:\n{done.stderr}"
            )
        return done

    def install(self, *paths: Path) -> list[Object]:
        """Every object of these YAML files is applied; kinds of CRDs among them are served."""
        manifests = [one for path in paths for one in yaml.safe_load_all(path.read_text())]
        applied = [self.api().apply(one) for one in manifests if one]
        for one in applied:
            if one["kind"] == "CustomResourceDefinition":
                name = one["metadata"]["name"]
                self.api().wait("CustomResourceDefinition", name, until=_established)
                self._wait_served(one["spec"])
        return applied

    def _wait_served(self, spec: Object) -> None:
        """Its objects can be listed and made.

        An established kind may still be unknown (404), its storage not begun (429), or its schema
        be unknown to mutating admission policies (503), which only who writes finds out.
        """
        versions = [version["name"] for version in spec["versions"] if version["served"]]
        scope = "" if spec["scope"] == "Cluster" else "/namespaces/default"
        for version in versions:
            group, plural = f"{spec['group']}/{version}", spec["names"]["plural"]
            empty = {"apiVersion": group, "kind": spec["names"]["kind"], "metadata": {"name": "x"}}
            self._wait_answer("GET", f"/apis/{group}/{plural}", None, {"limit": "1"})
            path = f"/apis/{group}{scope}/{plural}"
            self._wait_answer("POST", path, empty, {"dryRun": "All"})

    def _wait_answer(
        self, method: str, path: str, body: Object | None, query: dict[str, str]
    ) -> None:
        """Any answer but one that wants patience; that an empty object is refused is one."""
        deadline = time.monotonic() + _READY_WAIT_S
        while True:
            try:
                self.api().request(method, path, body, query=query)
            except ApiError as error:
                if error.code not in (404, 429, 503):
                    return
                if time.monotonic() > deadline:
                    raise
            else:
                return
            time.sleep(0.02)

    def audit_events(self) -> Iterator[Object]:
        """What the API server wrote about every write so far, oldest first."""
        with self.at.audit_log.open() as lines:
            for line in lines:
                if line.endswith("\n"):
                    yield json.loads(line)

    def guard(self, server: Server) -> None:
        """Another process of the caller ends with this one too."""
        if self._reaper:
            self._reaper.guard(server)

    # How it starts

    def _prepare(self) -> None:
        programs = build(["etcd", "kube-apiserver", "kubectl", *self._parts])
        self.folder.mkdir(parents=True, exist_ok=True)
        etcd_port, peer_port, api_port, kwok_port = free_ports(4)
        self.at = commands.Layout(
            programs=programs,
            folder=self.folder,
            etcd_port=etcd_port,
            peer_port=peer_port,
            api_port=api_port,
            kwok_port=kwok_port,
            instead=older.programs(),
        )
        access.write_token_file(self.folder / "tokens.csv", self._users)
        access.write_service_account_keys(self.folder)
        for name, user in self._users.items():
            access.write_kubeconfig(
                self.at.kubeconfig(name),
                server=self.at.server,
                ca_file=self.at.ca_file,
                token=user.token,
                user=name,
            )
        if not self._detached:
            self._reaper = Reaper()

    def launch(self, name: str, command: list[str], *, env: dict[str, str] | None = None) -> Server:
        """A server with this command line runs, under this name in ``servers``."""
        server = Server(name, command, self.folder / f"{name}.log")
        self.servers[name] = server
        server.start(env=env)
        self.guard(server)
        return server

    def _start_parts(self) -> None:
        recipes = {
            Part.CONTROLLERS: commands.kube_controller_manager,
            Part.SCHEDULER: commands.kube_scheduler,
            Part.KWOK: commands.kwok,
        }
        for part in self._parts:
            self.launch(part, recipes[part](self.at))
        if Part.KWOK in self._parts:
            self.install(commands.FILES / "node.yaml")
            self._wait_for(Part.KWOK, "Node", "node-0", None)
        if Part.CONTROLLERS in self._parts:
            self._wait_for(Part.CONTROLLERS, "ServiceAccount", "default", "default")

    def _wait_ready(self) -> None:
        server = self.servers["kube-apiserver"]
        deadline = time.monotonic() + _READY_WAIT_S
        while time.monotonic() < deadline:
            server.require_alive()
            if self._is_ready():
                return
            time.sleep(0.05)
        raise StartError(f"kube-apiserver is not ready in time:\n{server.log_tail()}")

    def _is_ready(self) -> bool:
        try:
            self.api().request("GET", "/readyz")
        except (OSError, ApiError):
            # The certificate is not written, nobody listens, or a start-up hook still runs.
            return False
        return True

    def _wait_for(self, part: Part, kind: str, name: str, namespace: str | None) -> None:
        """The object that shows that the part works is there and, for a Node, Ready."""
        server = self.servers[part]

        def there(found: Object) -> bool:
            server.require_alive()
            return bool(found) and (kind != "Node" or _true(found, "Ready"))

        try:
            self.api().wait(kind, name, namespace, until=there, timeout_s=_READY_WAIT_S)
        except TimeoutError:
            raise StartError(f"{part} does nothing:\n{server.log_tail()}") from None


def _true(found: Object, condition: str) -> bool:
    # A CRD that was made a moment ago has `conditions: null`.
    conditions = found.get("status", {}).get("conditions") or []
    return any(c["type"] == condition and c["status"] == "True" for c in conditions)


def _established(found: Object) -> bool:
    return _true(found, "Established")
