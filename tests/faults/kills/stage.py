"""One scene: objects in a namespace of their own, and what may lawfully be said of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cluster.shop import DAY_S, Object, Shop, listed, template, token_of

Verdict = tuple[str, str]
GOOD: Verdict = ("True", "AllChecksPassed")
WARNED: Verdict = ("True", "PassedWithWarnings")
EXPIRED: Verdict = ("False", "TokenExpired")
STRANGE: Verdict = ("False", "SignatureInvalid")
MISSING: Verdict = ("False", "SecretNotFound")
OTHERS: Verdict = ("False", "AudienceMismatch")
SUSPENDED: Verdict = ("", "")


@dataclass(frozen=True)
class Truth:
    """What is true of a check from some moment on.

    Args:
        verdict: Ready's status and reason.
        version: resourceVersion of the Secret that it follows from; "" without one.
        generation: of the check.
        since: wall seconds before which it is not true.
        when: what else a status that says so must hold.
    """

    verdict: Verdict
    version: str
    generation: int
    since: float = 0.0
    when: Callable[[Object], object] = lambda _: True

    def said_by(self, found: Object, verdict: Verdict) -> bool:
        """Whether a version of the check says this, of the right Secret and spec."""
        status = found["status"]
        return bool(
            verdict == self.verdict
            and status["observedGeneration"] == self.generation
            and (verdict == SUSPENDED or token_of(found).get("resourceVersion", "") == self.version)
            and self.when(found)
        )


class Stage(Shop):
    """A shop that keeps a ledger: which verdicts are true of its one check, in their order."""

    CHECK = "checkout"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.truths: list[Truth] = []
        self.end = 0  # when the token ends, if that is waited for
        self.gone = False  # the check is deleted
        self._version = ""
        self._generation = 1

    def true(self, verdict: Verdict, **more: Any) -> None:
        """From now on this is the verdict on the objects as they stand."""
        self.truths.append(Truth(verdict, self._version, self._generation, **more))

    def issued(self, ago_s: int = 0, **claims: Any) -> str:
        """A good token, issued so long ago; all of them last equally long."""
        at = int(time.time()) - ago_s
        return self.signer.token(**({"iat": at, "exp": at + 90 * DAY_S} | claims))

    def hold(self, token: str) -> None:
        """The Secret of the check holds this token."""
        self._version = self.secret("payments", token)["metadata"]["resourceVersion"]

    def drop(self) -> None:
        """The Secret of the check is gone."""
        self.delete("Secret", "payments")
        self._version = ""

    def judge(self, *, workload: bool = False, **expected: Any) -> None:
        """The check stands, with the shop's own provider."""
        provider = {"providerRef": {"name": self.namespace}}
        policy = {"policy": {"expiringSoon": "Ignore"}, "discover": "None"}
        of = "Deployment/web" if workload else ""
        self.check(self.CHECK, listed("payments", **provider, **expected), workload=of, **policy)

    def edit(self, **spec: Any) -> None:
        """The check's spec has these fields."""
        self._generation = self.change(self.CHECK, **spec)["metadata"]["generation"]

    def deploy(self, release: str) -> int:
        """The Deployment has a new template that is not rolled out; returns its generation."""
        pod = template(
            "web", {"containers": [{"name": "app", "image": f"example.com/app:{release}"}]}
        )
        body = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": pod}
        made = self.admin.apply(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "web", "namespace": self.namespace},
                "spec": body,
            }
        )
        generation: int = made["metadata"]["generation"]
        return generation

    def roll_out(self, generation: int) -> None:
        """It is rolled out: nobody else acts on Deployments here."""
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        status = {"observedGeneration": generation} | dict.fromkeys(counts, 1)
        self.admin.patch(
            "Deployment", "web", {"status": status}, self.namespace, subresource="status"
        )

    def told(self) -> list[Object]:
        """Every event of the namespace."""
        return self.admin.list("events.k8s.io/v1/Event", self.namespace)

    def clear(self) -> None:
        """Nothing is left that the next scene's operator would look at."""
        for kind, name in (
            ("TokenCheck", self.CHECK),
            ("Secret", "payments"),
            ("Deployment", "web"),
        ):
            self.delete(kind, name)
        self.close()
