"""What figures were measured on: without it they mean nothing."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.go_build import SOURCE
from controlplane.recipes import KUBERNETES


def machine() -> dict[str, str]:
    """Size of the machine, as a reader would say it."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{pages / 2**30:.0f} GiB",
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "load before": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def versions() -> dict[str, str]:
    """The versions that figures depend on."""
    return {
        "tokencheck": _package("tokencheck"),
        "Python": platform.python_version(),
        "Kubernetes": KUBERNETES,
        "controller-runtime": _required("sigs.k8s.io/controller-runtime"),
        "Go": _required("go"),
    }


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _required(name: str) -> str:
    found = re.search(rf"{re.escape(name)} (\S+)", (SOURCE / "go.mod").read_text())
    return found[1] if found else "unknown"
