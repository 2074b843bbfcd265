"""No more of the kubernetes package is loaded than is used: the rest is 20 MiB of a process."""

from __future__ import annotations

import subprocess
import sys

UNUSED = ("requests", "oauthlib", "urllib3", "websocket", "pydantic", "kubernetes.client")
READS_KUBECONFIGS = "kubernetes.aio.config.kube_config"


def loaded_by(*lines: str) -> set[str]:
    """The modules of a fresh process that has run these lines."""
    program = "\n".join((*lines, "import sys", "print(*sys.modules)"))
    asked = [sys.executable, "-W", "error", "-c", program]
    return set(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split())


def test_the_operator_loads_neither_the_other_client_nor_what_that_needs() -> None:
    loaded = loaded_by("import tokencheck.app.operator")
    assert {"kopf", "kubernetes.aio.client.rest"} <= loaded
    assert not loaded & {*UNUSED, READS_KUBECONFIGS}


def test_a_kubeconfig_has_what_reads_it_loaded() -> None:
    read = "load_kubeconfig(Configuration(), Path('/nowhere'), None)"
    loaded = loaded_by(
        "import asyncio, contextlib",
        "from pathlib import Path",
        "from tokencheck.clients.kube.configuration import Configuration, load_kubeconfig",
        "from tokencheck.model.errors import UsageError",
        f"with contextlib.suppress(UsageError): asyncio.run({read})",
    )
    assert READS_KUBECONFIGS in loaded
    assert not loaded & {"requests", "oauthlib", "kubernetes.client"}


def test_a_package_that_somebody_has_loaded_whole_stays_so() -> None:
    assert "kubernetes.client.models.v1_pod" in loaded_by(
        "import kubernetes", "import tokencheck.app.operator", "kubernetes.client.V1Pod"
    )
