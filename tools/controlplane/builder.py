"""BuildKit, which nobody has to have installed: it builds what a Dockerfile says.

It runs as a node does (``node``): in mount, process and cgroup namespaces of its own, with the
node's runc, and all of it ends with its first process. What it runs is on the machine's network,
to fetch packages. No registry is asked for anything: the base image is ``base``.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from controlplane import cgroups, node_files
from controlplane.base import base_image, digest_of
from controlplane.build import BuildError
from controlplane.commands import FILES
from controlplane.enclosed import enclosed
from controlplane.extras import BUILDCTL, BUILDKITD, extra, node_programs
from controlplane.process import Reaper, Server, StartError

_START_WAIT_S = 60.0
_TAIL_LINES = 40


class Builder:
    """A BuildKit that remembers nothing of an earlier one. Use it with ``with``."""

    def __init__(self, folder: Path) -> None:
        """Nothing runs yet.

        Args:
            folder: where it works; it is made, and shall not be there yet.
        """
        self._folder = folder
        self._address = f"unix://{folder}/buildkitd.sock"
        self._cgroups: list[Path] = []
        self._reaper: Reaper
        self._server: Server

    def __enter__(self) -> Self:
        """It takes builds.

        Raises:
            BuildError: its programs cannot be built here.
            StartError: it does not start.
        """
        daemon, runc = extra(BUILDKITD), node_programs() / "runc"
        self._folder.mkdir()
        (self._folder / "buildkitd.toml").write_text(self._configuration())
        own = f"--root {self._folder}/runc"
        node_files.write_runtime(self._folder / "runtime", runc, own)
        self._cgroups = cgroups.make("tokencheck-builder-")
        first = ["sh", str(FILES / "builder.sh"), str(self._folder)]
        command = enclosed(self._cgroups, "mpC", first)
        self._server = Server("buildkitd", command, self._folder / "buildkitd.log")
        self._reaper = Reaper()
        self._server.start(env={"PATH": f"{daemon.parent}:{os.environ['PATH']}"})
        self._reaper.guard(self._server)
        try:
            self._wait_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Everything of it has ended; its folder is the caller's to remove."""
        self._stop()

    def build(self, context: Path, *options: str, secrets: Mapping[str, Path]) -> None:
        """What the Dockerfile of the folder says is built, on our base image.

        Args:
            context: the folder, of which ``.dockerignore`` is heeded.
            options: more for ``buildctl build``, such as ``--output``.
            secrets: by its name each file that steps may read, and that no layer has.

        Raises:
            BuildError: a step failed; says the end of what it wrote.
        """
        base = base_image()
        done = self._client(
            *("build", "--progress", "plain", "--frontend", "dockerfile.v0"),
            *("--local", f"context={context}", "--local", f"dockerfile={context}"),
            *("--oci-layout", f"base={base}", "--opt", "build-arg:BASE=base"),
            *("--opt", f"context:base=oci-layout://base@{digest_of(base)}"),
            *(part for name, file in secrets.items() for part in _secret(name, file)),
            *options,
        )
        if done.returncode != 0:
            tail = "\n".join(done.stderr.splitlines()[-_TAIL_LINES:])
            raise BuildError(f"{context / 'Dockerfile'} cannot be built:\n{tail}")

    def _configuration(self) -> str:
        """https://github.com/moby/buildkit/blob/master/docs/buildkitd.toml.md."""
        return f"""\
root = "{self._folder}/root"
[grpc]
  address = ["{self._address}"]
[cdi]
  disabled = true
[worker.containerd]
  enabled = false
[worker.oci]
  enabled = true
  binary = "{self._folder}/runtime"
  snapshotter = "overlayfs"
  networkMode = "host"
  gc = false
"""

    def _client(self, *asked: str) -> subprocess.CompletedProcess[str]:
        command = [str(extra(BUILDCTL)), "--addr", self._address, *asked]
        # A HOME of its own: nobody's credentials for registries are read.
        return subprocess.run(
            command,
            env={"PATH": os.environ["PATH"], "HOME": str(self._folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + _START_WAIT_S
        while self._client("debug", "workers").returncode != 0:
            self._server.require_alive()
            if time.monotonic() > deadline:
                raise StartError(f"BuildKit does not start:\n{self._server.log_tail()}")
            time.sleep(0.1)

    def _stop(self) -> None:
        self._reaper.forget(self._server)
        self._server.stop(kill=True)
        self._reaper.close()
        cgroups.remove(self._cgroups)


def _secret(name: str, file: Path) -> tuple[str, str]:
    return "--secret", f"id={name},src={file}"
