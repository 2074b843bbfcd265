"""An older Kubernetes in place of the present one: its API server and its scheduler.

Each minor that can be asked for is a folder below ``older`` with a module that says all versions.
``TOKENCHECK_KUBERNETES=1.33`` in the environment has every control plane of the process run it; it
is built when first asked for, and never without that. Etcd, the controllers, KWOK and kubectl stay
those of the present one. The scheduler does not: it waits for kinds that older servers lack.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from controlplane.build import BuildError
from controlplane.extras import Own, extra
from controlplane.recipes import KUBERNETES, version_flags

CHOICE = "TOKENCHECK_KUBERNETES"
_FOLDER = Path(__file__).parent / "older"
_COLD_S = {"kube-apiserver": 256, "kube-scheduler": 20}
_TAGS = "providerless"  # before 1.31 they have clients of clouds in them, which take as long again
_STAMPS_FROM = (1, 36)  # it serves MutatingAdmissionPolicy as v1


def minors() -> tuple[str, ...]:
    """Those that can be asked for, oldest first."""
    return tuple(sorted((path.parent.name for path in _FOLDER.glob("*/go.mod")), key=number))


def number(minor: str) -> tuple[int, ...]:
    """A minor, to be compared with others."""
    return tuple(int(part) for part in minor.split("."))


def version(minor: str = "") -> str:
    """The full version of a minor, such as v1.33.9; that of the chosen one by default.

    Raises:
        BuildError: none of that name can be asked for.
    """
    wanted = minor or os.environ.get(CHOICE, "")
    if not wanted:
        return KUBERNETES
    try:
        said = (_FOLDER / wanted / "go.mod").read_text()
    except OSError:
        raise BuildError(
            f"There is no Kubernetes {wanted!r} below {_FOLDER}; there are {', '.join(minors())}"
        ) from None
    (found,) = re.findall(r"\bk8s\.io/kubernetes (v\S+)", said)
    return str(found)


def stamps() -> bool:
    """Whether the API server of the chosen one can write on a TokenCheck who asked for it."""
    return number(version().removeprefix("v").rpartition(".")[0]) >= _STAMPS_FROM


def programs(minor: str = "") -> dict[str, Path]:
    """The programs of a minor, built now if need be; those of the chosen one by default.

    Empty for the present one.

    Raises:
        BuildError: one could not be built, or none of that name can be asked for.
    """
    wanted = minor or os.environ.get(CHOICE, "")
    if not wanted:
        return {}
    linked = version_flags(version(wanted))
    return {
        name: extra(
            Own(
                name=name,
                package=f"k8s.io/kubernetes/cmd/{name}",
                folder=_FOLDER / wanted,
                cold_s=cold_s,
                tags=_TAGS,
                ldflags=linked,
            )
        )
        for name, cold_s in _COLD_S.items()
    }
