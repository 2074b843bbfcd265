"""Does an operator run, who leads, and is it up to date?

Nothing in the cluster changes when an operator dies: its last verdicts stand. So its absence is
looked for in three places: its Pods, its Lease, and statuses that time has passed by.
"""

from collections.abc import Iterator
from typing import Any

from tokencheck.core.doctor.admission import of_page as admission_of_page
from tokencheck.core.doctor.cluster import clock_of_operator
from tokencheck.core.doctor.diagnosis import Area, Diagnosis, unlisted, well
from tokencheck.core.doctor.facts import Facts, Held, Page, Replica, Setup
from tokencheck.model.evidence import Denied, Unread
from tokencheck.model.finding import Result

HELM = "helm install tokencheck charts/tokencheck -n tokencheck-system --create-namespace"
_STALE = "verdicts are not renewed: tokens end and TokenChecks go on saying True"
_FORWARD = "kubectl port-forward -n tokencheck-system deploy/tokencheck 8080"
_AGAIN = "tokencheck doctor --url http://127.0.0.1:8080"
_MANY_RESTARTS = 3
LATE_S = 30.0  # of a check that is due; the same as the alert TokencheckQueueOld


def presence(facts: Facts) -> Iterator[Diagnosis]:
    """Say whether an operator is installed and runs."""
    if isinstance(facts.setups, Unread):
        yield _unlisted("Deployments", "deployments.apps", facts.setups)
        return
    for setup in facts.setups:
        yield from _runs(setup, facts.replicas)
        yield from _version(setup, facts.version)
    if len(facts.setups) > 1:
        names = ", ".join(f"{setup.namespace}/{setup.name}" for setup in facts.setups)
        yield Diagnosis(
            area=Area.OPERATOR,
            result=Result.WARN,
            said=f"more than one operator is installed: {names}",
            means="they write the same statuses in turn",
            mend=tuple(f"helm list -n {setup.namespace}" for setup in facts.setups),
        )
    if not facts.setups:
        yield from _elsewhere(facts)


def pages(facts: Facts) -> Iterator[Diagnosis]:
    """Say what each operator that could be asked says of itself."""
    replicas = () if isinstance(facts.replicas, Unread) else facts.replicas
    asked = [(f"Pod {one.name}", one.page, True) for one in replicas]
    for who, page, by_proxy in (*asked, ("the operator", facts.page, False)):
        match page:
            case Page():
                yield from _engine(who, page)
                yield from clock_of_operator(page, who)
                yield from admission_of_page(who, page)
            case None:
                continue
            case _:
                yield _silent(who, page, by_proxy=by_proxy)


def leader(facts: Facts) -> Iterator[Diagnosis]:
    """Say who leads and when he last said so."""
    if isinstance(facts.leases, Unread):
        yield _unlisted("Leases", "leases.coordination.k8s.io", facts.leases, Area.LEADER)
        return
    wanted = _leases(facts)
    found = {lease.name: lease for lease in facts.leases}
    for name in wanted or found:
        if name in found:
            yield _held(found[name])
        else:
            yield Diagnosis(
                area=Area.LEADER,
                result=Result.FAIL,
                said=f"the Lease {name} does not exist: no replica has ever led",
                means=_STALE,
            )


def _leases(facts: Facts) -> tuple[str, ...]:
    """Return the Leases that must be held; others are of an earlier number of shards."""
    setups = () if isinstance(facts.setups, Unread) else facts.setups
    return tuple(f"{setup.namespace}/{name}" for setup in setups for name in setup.leases)


def _elsewhere(facts: Facts) -> Iterator[Diagnosis]:
    """An operator that somebody started by hand shows only in its Lease and its page."""
    leads = not isinstance(facts.leases, Unread) and any(map(_fresh, facts.leases))
    if leads or isinstance(facts.page, Page):
        yield well(Area.OPERATOR, "an operator runs outside of the cluster")
        return
    yield Diagnosis(
        area=Area.OPERATOR,
        result=Result.FAIL,
        said="no operator is installed in this cluster",
        means="nobody judges TokenChecks",
        mend=(HELM,),
    )


def _runs(setup: Setup, replicas: tuple[Replica, ...] | Unread) -> Iterator[Diagnosis]:
    where = f"{setup.namespace}/{setup.name}"
    look = f"kubectl describe deployment {setup.name} -n {setup.namespace}"
    if isinstance(replicas, Unread):
        yield _unlisted("Pods", "pods", replicas)
        return
    ready = [one for one in replicas if one.ready]
    if setup.wanted == 0:
        scale = f"kubectl scale deployment {setup.name} -n {setup.namespace} --replicas=1"
        yield _dead(f"Deployment {where} is scaled to zero", scale)
    elif not replicas:
        yield _dead(f"Deployment {where} has no Pod", look)
    elif not ready:
        troubles = ", ".join(sorted({one.trouble for one in replicas if one.trouble}))
        logs = f"kubectl logs -n {setup.namespace} {replicas[0].name} --previous"
        why = f": {troubles}" if troubles else ""
        yield _dead(f"no Pod of Deployment {where} is ready{why}", look, logs)
    else:
        count = f"{len(ready)} of {max(setup.wanted, len(replicas))}"
        yield well(Area.OPERATOR, f"Deployment {where}: {count} Pods are ready")
    for one in replicas:
        if one.restarts > _MANY_RESTARTS:
            yield Diagnosis(
                area=Area.OPERATOR,
                result=Result.WARN,
                said=f"Pod {setup.namespace}/{one.name} was restarted {one.restarts} times",
                means="each time its verdicts stood still for some seconds",
                mend=(f"kubectl logs -n {setup.namespace} {one.name} --previous",),
            )


def _version(setup: Setup, ours: str) -> Iterator[Diagnosis]:
    if setup.version and setup.version != ours:
        yield Diagnosis(
            area=Area.OPERATOR,
            result=Result.WARN,
            said=f"the operator is of version {setup.version}, this program of {ours}",
            means="what this program expects of rights and CRDs may not be what the operator needs",
        )


def _dead(said: str, *mend: str) -> Diagnosis:
    return Diagnosis(area=Area.OPERATOR, result=Result.FAIL, said=said, means=_STALE, mend=mend)


def _held(lease: Held) -> Diagnosis:
    if not lease.holder:
        return Diagnosis(
            area=Area.LEADER,
            result=Result.FAIL,
            said=f"nobody holds the Lease {lease.name}",
            means=_STALE,
        )
    if _fresh(lease):
        return well(Area.LEADER, f"{lease.holder} holds the Lease {lease.name}{_age(lease)}")
    return Diagnosis(
        area=Area.LEADER,
        result=Result.FAIL,
        said=f"{lease.holder} holds the Lease {lease.name}, and has not renewed it{_age(lease)}",
        means=f"it is dead or cut off, and nobody took over: {_STALE}",
    )


def _age(lease: Held) -> str:
    return "" if lease.age_s is None else f", renewed {max(0.0, lease.age_s):.0f} s ago"


def _fresh(lease: Held) -> bool:
    return bool(lease.holder) and lease.age_s is not None and lease.age_s <= 2 * lease.duration_s


def _engine(who: str, page: Page) -> Iterator[Diagnosis]:
    for reason in page.reasons:
        yield Diagnosis(
            area=Area.ENGINE,
            result=Result.FAIL,
            said=f"{who} is not ready: {reason}",
            means="its verdicts may be out of date",
        )
    yield from _denied(who, page.facts.get("informers") or {})
    oldest_s = float(page.facts.get("queueOldestSeconds") or 0)
    depth = page.facts.get("queueDepth", 0)
    if oldest_s > LATE_S and not page.reasons:
        yield Diagnosis(
            area=Area.ENGINE,
            result=Result.WARN,
            said=f"{who}: a check has been due for {oldest_s:.0f} s, {depth} wait",
            means="verdicts come late: the API server is slow, or the operator has too little CPU",
        )
    elif not page.reasons:
        yield well(Area.ENGINE, f"{who}: all watches are in step, {depth} checks wait")


def _denied(who: str, informers: dict[str, Any]) -> Iterator[Diagnosis]:
    denied = sorted(name for name, state in informers.items() if state.get("denied"))
    if denied:
        yield Diagnosis(
            area=Area.ENGINE,
            result=Result.WARN,
            said=f"{who} may not watch all {', '.join(denied)} that TokenChecks need",
            means="these TokenChecks are Unknown (AccessDenied)",
            mend=("kubectl get tokenchecks -A | grep AccessDenied",),
        )


def _silent(who: str, page: Unread, *, by_proxy: bool) -> Diagnosis:
    """Say that somebody was not heard; through the API server that proves nothing.

    Many networks let the API server reach kubelets and webhooks alone.
    """
    if not by_proxy:
        return Diagnosis(
            area=Area.ENGINE,
            result=Result.FAIL,
            said=f"no operator answers at {page.what}",
            means="it does not run, or the address is not its own",
        )
    if isinstance(page, Denied):
        return Diagnosis(
            area=Area.ENGINE,
            result=Result.UNKNOWN,
            said=f"you may not ask {who} for its state",
            means="its queue, its watches and its clock are not known; ask it from here:",
            mend=(_FORWARD, _AGAIN),
        )
    return Diagnosis(
        area=Area.ENGINE,
        result=Result.SKIP,
        said=f"{who} cannot be reached through the API server; to ask it for its state:"
        f" {_FORWARD} & {_AGAIN}",
    )


def _unlisted(what: str, kind: str, why: Unread, area: Area = Area.OPERATOR) -> Diagnosis:
    where = f"{kind} -n tokencheck-system"
    return unlisted(area, why, f"{what} of the operator", where, "whether it runs")
