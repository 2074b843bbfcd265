"""Which writes a process may make at all, whatever RBAC allows: against bugs of our own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tokencheck.model.admission import PROBE_NAME

_NAME = r"[a-z0-9][-a-z0-9.]*"
_OWN = r"/apis/tokencheck\.dev/v1alpha1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A kind of write: a method and the paths (whole, without query) on which it is allowed.

    With `dry_run` the query must say that nothing shall be stored.
    """

    method: str
    path: re.Pattern[str]
    dry_run: bool = False


_PROBE = Write(
    method="PATCH",
    path=re.compile(rf"{_OWN}/namespaces/{_NAME}/tokenchecks/{re.escape(PROBE_NAME)}"),
    dry_run=True,
)
OPERATOR_WRITES = (
    _PROBE,
    # Questions about rights and tokens; they change nothing.
    Write(method="POST", path=re.compile(r"/apis/authorization\.k8s\.io/v1/subjectaccessreviews")),
    Write(method="POST", path=re.compile(r"/apis/authentication\.k8s\.io/v1/tokenreviews")),
    Write(
        method="PATCH",
        path=re.compile(rf"{_OWN}/namespaces/{_NAME}/tokenchecks/{_NAME}/status"),
    ),
    Write(method="PATCH", path=re.compile(rf"{_OWN}/tokenproviders/{_NAME}/status")),
    Write(method="POST", path=re.compile(rf"/apis/events\.k8s\.io/v1/namespaces/{_NAME}/events")),
    Write(
        method="PATCH",
        path=re.compile(rf"/apis/events\.k8s\.io/v1/namespaces/{_NAME}/events/{_NAME}"),
    ),
)
"""The operator: the status of our own kinds, Events, and the dry run that admission refuses."""

_LEASES = rf"/apis/coordination\.k8s\.io/v1/namespaces/{_NAME}/leases"
LEASE_WRITES = (
    Write(method="POST", path=re.compile(_LEASES)),
    Write(
        method="PATCH", path=re.compile(rf"{_LEASES}/tokencheck(-replicas|-shard-[0-9]{{1,3}})?")
    ),
)
"""The elector, over a connection of its own."""

MAKER_WRITES = (
    Write(method="POST", path=re.compile(rf"{_OWN}/namespaces/{_NAME}/tokenchecks")),
    Write(method="PATCH", path=re.compile(rf"{_OWN}/namespaces/{_NAME}/tokenchecks/{_NAME}")),
    Write(method="DELETE", path=re.compile(rf"{_OWN}/namespaces/{_NAME}/tokenchecks/{_NAME}")),
    Write(method="PATCH", path=re.compile(rf"{_OWN}/clustertokenchecks/{_NAME}/status")),
)
"""What keeps the TokenChecks of ClusterTokenChecks, over a connection of its own."""

COMMAND_WRITES = (
    _PROBE,
    Write(method="PATCH", path=re.compile(rf"{_OWN}/namespaces/{_NAME}/tokenchecks/{_NAME}")),
    # Questions that are asked with POST; they change nothing.
    Write(
        method="POST",
        path=re.compile(r"/apis/authorization\.k8s\.io/v1/(self)?subjectaccessreviews"),
    ),
    Write(
        method="POST",
        path=re.compile(r"/apis/authentication\.k8s\.io/v1/selfsubjectreviews"),
    ),
)
"""A command run by a person: annotations of a TokenCheck, with that person's rights; reviews."""


def require_allowed(
    writes: tuple[Write, ...], method: str, path: str, params: Mapping[str, str] | None = None
) -> None:
    """Return when `method` on `path` with these params is a read or one of `writes`.

    Raises:
        PermissionError: it is neither; nothing was sent.
    """
    dry_run = (params or {}).get("dryRun") == "All"
    if method == "GET" or any(
        w.method == method and w.path.fullmatch(path) and (dry_run or not w.dry_run) for w in writes
    ):
        return
    raise PermissionError(
        f"{method} {path} is not among the writes of this process; it was not sent"
    )
