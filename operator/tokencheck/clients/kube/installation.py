"""Deployments, Pods and Leases of the operator, reduced to what the doctor judges."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tokencheck.api.quantity import parse_time
from tokencheck.core.doctor.facts import Held, Replica, Setup
from tokencheck.model.lease import lease_names
from tokencheck.model.scope import Scope

Object = Mapping[str, Any]
_NAME, _VERSION = "app.kubernetes.io/name", "app.kubernetes.io/version"
LABEL = f"{_NAME}=tokencheck"
_DEFAULT_PORT = 8080
_LEASE = re.compile(r"tokencheck(-shard-[0-9]+)?")  # those that are held
_DEFAULT_LEASE_S = 15.0


def setup_of(deployment: Object) -> Setup | None:
    """Return how a Deployment runs an operator; None when it runs something else."""
    meta, spec = deployment["metadata"], deployment["spec"]
    pod = spec["template"]["spec"]
    args = next((args for c in pod["containers"] if "operator" in (args := _args_of(c))), None)
    if args is None:
        return None
    scope = _option(args, "--secrets-scope")
    return Setup(
        namespace=meta["namespace"],
        name=meta["name"],
        account=pod.get("serviceAccountName") or "default",
        version=(meta.get("labels") or {}).get(_VERSION, ""),
        wanted=spec.get("replicas", 1),
        leases=_leases(args),
        scope=Scope(scope) if scope in tuple(Scope) else Scope.CLUSTER,
        namespaces=tuple(filter(None, _option(args, "--namespaces").split(","))),
        named=_named(_option(args, "--secrets")),
        cluster_checks="--cluster-token-checks" in args,
        review_authors="--review-authors" in args,
    )


def replica_of(pod: Object) -> Replica:
    """Return how a Pod of the operator stands."""
    status = pod.get("status") or {}
    conditions = {c["type"]: c for c in status.get("conditions") or ()}
    containers = status.get("containerStatuses") or ()
    return Replica(
        name=pod["metadata"]["name"],
        ready=conditions.get("Ready", {}).get("status") == "True",
        trouble=_trouble(containers, conditions),
        restarts=sum(int(c.get("restartCount", 0)) for c in containers),
    )


def port_of(pod: Object) -> int:
    """Return the port of /readyz."""
    ports = [port for c in pod["spec"]["containers"] for port in c.get("ports") or ()]
    named = (port["containerPort"] for port in ports if port.get("name") == "http")
    return int(next(named, _DEFAULT_PORT))


def held_of(lease: Object, now: datetime) -> Held | None:
    """Return how a Lease of ours stands at `now` by the server's clock; None for another's."""
    spec, name = lease.get("spec") or {}, lease["metadata"]["name"]
    if not _LEASE.fullmatch(name):
        return None
    renewed = parse_time(spec.get("renewTime"))
    return Held(
        name=f"{lease['metadata']['namespace']}/{name}",
        holder=str(spec.get("holderIdentity") or ""),
        duration_s=float(spec.get("leaseDurationSeconds") or _DEFAULT_LEASE_S),
        age_s=(now - renewed).total_seconds() if renewed else None,
    )


def _args_of(container: Object) -> list[str]:
    return [*map(str, container.get("command") or ()), *map(str, container.get("args") or ())]


def _leases(args: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the Leases that this operator's replicas hold."""
    if "--no-leader-elect" in args:
        return ()
    shards = _option(args, "--shards")
    return lease_names(int(shards) if shards.isdecimal() and int(shards) else 1)


def _option(args: Sequence[str], name: str) -> str:
    """Return the value of ``--name VALUE`` or ``--name=VALUE``; "" without one."""
    for arg, following in zip(args, [*args[1:], ""], strict=True):
        if arg == name:
            return following
        if arg.startswith(f"{name}="):
            return arg.partition("=")[2]
    return ""


def _named(text: str) -> Mapping[str, tuple[str, ...]]:
    named: dict[str, tuple[str, ...]] = {}
    for entry in filter(None, text.split(",")):
        namespace, _, name = entry.partition("/")
        named[namespace] = (*named.get(namespace, ()), name)
    return named


def _trouble(containers: Sequence[Object], conditions: Mapping[str, Object]) -> str:
    """Return a reason in the words of kubelet or scheduler; "" when they have none."""
    for container in containers:
        state = container.get("state") or {}
        for word in ("waiting", "terminated"):
            if reason := (state.get(word) or {}).get("reason"):
                return str(reason)
    scheduled = conditions.get("PodScheduled", {})
    return str(scheduled.get("reason", "")) if scheduled.get("status") == "False" else ""
