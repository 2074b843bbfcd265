"""A history that a test writes by hand."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime

from cluster.shop import AUDIENCE, ISSUER, Object, Signer, jwks
from faults.excuses import Excuses
from faults.history import History
from faults.invariants import Breach, Story, breaches_of
from faults.oracle import Oracle

SIGNER = Signer()
BEGIN = float(int(time.time()))
PROVIDER = {
    "jwt": {"issuer": ISSUER, "clockSkew": "0s", "keys": {"type": "Inline", "jwks": jwks(SIGNER)}}
}


def good(**changed: object) -> str:
    """A token of before the history, whenever the test comes to make it."""
    return SIGNER.token(**({"iat": int(BEGIN) - 100} | changed))


class Plot:
    """A history that is written by hand, at seconds from its begin."""

    def __init__(self, oracle: Oracle, token: str = "payments") -> None:
        self._token = token
        self.history = History(oracle, PROVIDER)
        self.excuses = Excuses()
        self._version = 100
        self._generation = 1
        self.uid = "u"
        self._since: dict[str, str] = {}
        self.workload = ""
        self._rolled = 0
        self.quiet = 1000.0
        self.rests: tuple[tuple[float, float], ...] = ()

    def _next(self) -> int:
        self._version += 1
        return self._version

    def restored(self, at: float, version: int, generation: int = 1) -> None:
        """The API server goes on after an earlier version, and gives its numbers out again."""
        self.history.rewound(BEGIN + at)
        self._version, self._generation = version, generation

    def change(self) -> None:
        """The spec is another one from the next status on."""
        self._generation += 1

    def secret(self, at: float, text: str | None) -> int:
        """The Secret holds the text from now on; None: it is deleted."""
        version = self._next()
        meta = {"namespace": "shop", "name": "payments", "resourceVersion": str(version)}
        data = {"token": base64.b64encode((text or "").encode()).decode()}
        event = "DELETED" if text is None else "MODIFIED"
        self._take(event, {"kind": "Secret", "metadata": meta, "data": data}, at)
        return version

    def release(self, at: float, generation: int, *, settled: bool) -> None:
        """The Deployment that the check follows has this generation, rolled out or not."""
        self.workload = "web"
        meta = {"namespace": "shop", "name": "web", "generation": generation}
        found = {"kind": "Deployment", "metadata": meta}
        observed = generation if settled else generation - 1
        self._take("MODIFIED", found | {"status": {"observedGeneration": observed}}, at)

    def status(self, at: float, ready: tuple[str, str], bound: int, **more: object) -> None:
        """The operator writes this."""
        since = str(more.get("since", stamp(at)))
        if "since" not in more and self._since.get("status") == ready[0]:
            since = self._since["since"]
        self._since = {"status": ready[0], "since": since}
        said = {"type": "Ready", "status": ready[0], "reason": ready[1], "message": "m"}
        conditions = [said | {"lastTransitionTime": since}]
        if "pulse" in more:
            pulse = {"type": "Stalled", "status": "True", "reason": "Stalled", "message": "m"}
            conditions.append(pulse | {"lastTransitionTime": since})
        if "drifted" in more:
            other = {"type": "Drifted", "status": str(more["drifted"]), "reason": "Drifted"}
            conditions.append(other | {"message": "m", "lastTransitionTime": stamp(at)})
        self._rolled = int(str(more.get("rolled", self._rolled)))
        self._check(
            at,
            {
                "rollout": {"generation": self._rolled},
                "observedGeneration": more.get("observed", self._generation),
                "conditions": conditions,
                "tokens": [
                    {"name": self._token} | ({"resourceVersion": str(bound)} if bound else {})
                ],
            },
        )

    def made(self, at: float) -> None:
        """The check is made."""
        self._check(at, {"observedGeneration": -1})

    def told(self, at: float, reason: str) -> None:
        """The operator tells this."""
        meta = {"namespace": "shop", "name": f"e{at}", "resourceVersion": str(self._next())}
        event = {"kind": "Event", "metadata": meta, "reason": reason}
        self._take("ADDED", event | {"involvedObject": {"uid": "u"}}, at)

    def breaches(self, until: float) -> list[Breach]:
        rests = tuple((BEGIN + start, BEGIN + end) for start, end in self.rests)
        story = Story(self.history, self.excuses, BEGIN + until, BEGIN + self.quiet, rests)
        return breaches_of(story)

    def _check(self, at: float, status: Object) -> None:
        meta = {"namespace": "shop", "name": "payments", "uid": self.uid}
        meta["generation"] = self._generation
        meta["resourceVersion"] = str(self._next())
        token = {"name": self._token, "secretKeyRef": {"name": "payments", "key": "token"}}
        token["audiences"] = [AUDIENCE]
        spec = {"tokens": [token], "workloadRef": {"name": self.workload}}
        found = {"kind": "TokenCheck", "metadata": meta, "spec": spec}
        self._take("MODIFIED", found | {"status": status}, at)

    def _take(self, event: str, found: Object, at: float) -> None:
        self.history.take(event, found, BEGIN + at)


def stamp(at: float) -> str:
    """A moment of the history, as a status writes it."""
    return datetime.fromtimestamp(BEGIN + at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
