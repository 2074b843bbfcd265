"""What happened in a test's namespace: pytest shows it beside a failure."""

from __future__ import annotations

import time
from pathlib import Path

from cluster.shop import Shop, condition, ready
from cluster.statuses import Object, Seen

_LOG_LINES = 30
_TELLING = ("Reconciling", "Stalled", "RolloutVerified")


def story(shop: Shop, log: Path | None = None) -> str:
    """Each version of each TokenCheck, the Pods as they stand now, and what the operator logged.

    Args:
        shop: of the test.
        log: of the operator, when the test has one.
    """
    checks = shop.statuses.names("TokenCheck", shop.namespace)
    versions = sorted(
        ((name, seen) for name in checks for seen in shop.history(name)), key=lambda it: it[1].at
    )
    pods = shop.admin.list("Pod", shop.namespace)
    return "\n".join(
        [
            f"--- the story of {shop.namespace}, told at {_clock(time.time())}:",
            *(_version(name, seen) for name, seen in versions),
            *(_pod(pod) for pod in pods),
            *(_logged(log, shop.namespace) if log else ()),
        ]
    )


def _clock(wall: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(wall)) + f".{int(wall % 1 * 1000):03}"


def _version(name: str, seen: Seen) -> str:
    meta, status = seen.object["metadata"], seen.object.get("status", {})
    states = [f"{kind}={said['status']} {said['reason']}" for kind in _TELLING
              if (said := condition(seen.object, kind))]  # fmt: skip
    about = f"generation {meta['generation']} seen {status.get('observedGeneration')}"
    return f"{_clock(seen.wall)} {name} {about} Ready={' '.join(ready(seen.object))} " + ", ".join(
        states
    )


def _pod(pod: Object) -> str:
    status = pod.get("status", {})
    states = {one["type"]: one["status"] for one in status.get("conditions") or ()}
    made = pod["metadata"]["creationTimestamp"]
    return f"Pod {pod['metadata']['name']} of {made}: {status.get('phase')} {states}"


def _logged(log: Path, namespace: str) -> list[str]:
    lines = [line for line in log.read_text("utf-8").splitlines() if namespace in line]
    return lines[-_LOG_LINES:]
