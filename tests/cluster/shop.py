"""A small shop on the cluster: keys, tokens, Secrets, workloads, checks, and what became of them.

``from cluster.shop import …``. The fixture ``shop`` is a :class:`Shop` of the test's own namespace;
every status that is written while its module runs passes the linter (fixture ``sound_statuses``).
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from cluster.statuses import Object, Seen, Statuses
from controlplane import Api

API = "tokencheck.dev/v1alpha1"
ISSUER = "https://login.example.com/realms/shop"
AUDIENCE = "payments-api"
SUBJECT = "checkout"
SCOPES = ["payments:read", "payments:write"]
DAY_S = 86_400
PATIENCE_S = 25.0


@dataclass(frozen=True)
class Signer:
    """A key pair and the tokens that it makes."""

    kid: str = "shop-1"
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def jwk(self) -> Object:
        """The public key as a JWK."""
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        return public | {"kid": self.kid, "alg": "ES256", "use": "sig"}

    def token(self, **changed: Any) -> str:
        """A good token of the shop's issuer; claims are changed, or left out with None."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": SUBJECT,
            "iat": now,
            "exp": now + 90 * DAY_S,
            "scope": " ".join(SCOPES),
            # Two tokens of the same second are two values.
            "jti": secrets.token_urlsafe(18),
        } | changed
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, self.key, algorithm="ES256", headers={"kid": self.kid})

    def expired(self, **changed: Any) -> str:
        """A token that ended an hour ago."""
        now = int(time.time())
        return self.token(**({"iat": now - 7200, "exp": now - 3600} | changed))


def jwks(*signers: Signer) -> Object:
    """The public keys as a JWK Set."""
    return {"keys": [signer.jwk for signer in signers]}


# Pod templates


def env(secret: str, key: str = "token", *, name: str = "TOKEN", optional: bool = False) -> Object:
    """A container's part: one variable from a Secret."""
    source = {"name": secret, "key": key} | ({"optional": True} if optional else {})
    return {"env": [{"name": name, "valueFrom": {"secretKeyRef": source}}]}


def pod_spec(container: Object | None = None, **more: Any) -> Object:
    """A Pod's spec with one container named ``app``."""
    return {
        "containers": [{"name": "app", "image": "example.com/app:1"} | (container or {})]
    } | more


def template(app: str, spec: Object, *, fate: str = "") -> Object:
    """A Pod template with the label ``app``; ``fate`` says what KWOK makes of the Pods."""
    fates = {"annotations": {"controlplane.test/fate": fate}} if fate else {}
    return {"metadata": {"labels": {"app": app}, **fates}, "spec": spec}


def listed(secret: str, key: str = "token", *, name: str = "payments", **expected: Any) -> Object:
    """An item of ``spec.tokens`` by secretKeyRef, with these expectations."""
    return {"name": name, "secretKeyRef": {"name": secret, "key": key}} | expected


# Reading a status


def condition(found: Object, kind: str) -> Object:
    """The condition of this type; ``{}`` when it is absent."""
    conditions = found.get("status", {}).get("conditions") or ()
    return next((one for one in conditions if one["type"] == kind), {})


def states(found: Object) -> dict[str, str]:
    """Type -> status of every condition."""
    return {one["type"]: one["status"] for one in found["status"]["conditions"]}


def ready(found: Object) -> tuple[str, str]:
    """Status and reason of Ready; empty when it is absent."""
    said = condition(found, "Ready")
    return said.get("status", ""), said.get("reason", "")


def is_current(found: Object) -> bool:
    """Whether the status is about the spec as it is now."""
    seen = found.get("status", {}).get("observedGeneration")
    return bool(found) and seen == found["metadata"]["generation"]


def token_of(found: Object, name: str = "payments") -> Object:
    """What the status says of one token; ``{}`` when it does not."""
    tokens = found.get("status", {}).get("tokens") or ()
    return next((one for one in tokens if one["name"] == name), {})


def findings(found: Object) -> set[tuple[str, str, str]]:
    """Check, result and reason of everything that did not pass."""
    shown = found.get("status", {}).get("findings") or ()
    return {(one["check"], one["result"], one["reason"]) for one in shown}


def eventually(holds: Callable[[], object], *, timeout_s: float = PATIENCE_S) -> None:
    """Returns when it holds: metrics, say, follow the status that is written before them.

    Raises:
        TimeoutError: it did not hold in time.
    """
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not hold within {timeout_s} s")
        time.sleep(0.05)


class Shop:
    """One namespace, and short ways to fill it and to read its verdicts."""

    def __init__(self, admin: Api, namespace: str, statuses: Statuses) -> None:
        self.admin = admin
        self.namespace = namespace
        self.signer = Signer()
        self.statuses = statuses
        self._providers: list[str] = []

    # What stands in it

    def secret(self, name: str, token: str | None = None, **more: Any) -> Object:
        """The Secret holds the token under ``token``; ``data=`` for more keys, ``annotations=``."""
        texts: Mapping[str, str] = more.get("data", {}) | (
            {} if token is None else {"token": token}
        )
        data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        kind = {"type": more["type"]} if "type" in more else {}
        return self._apply("v1", "Secret", name, more.get("annotations"), data=data, **kind)

    def config_map(self, name: str, **data: str) -> Object:
        """The ConfigMap holds these texts; an underscore of a key stands for a dot."""
        dotted = {key.replace("_", "."): text for key, text in data.items()}
        return self._apply("v1", "ConfigMap", name, None, data=dotted)

    def workload(
        self, name: str, spec: Object, *, kind: str = "Deployment", fate: str = "", **more: Any
    ) -> Object:
        """A workload with this Pod spec; ``more`` goes into its spec."""
        pod = template(name, spec, fate=fate)
        selected = {"selector": {"matchLabels": {"app": name}}, "template": pod}
        match kind:
            case "Job":
                body: Object = {"template": _never_restarted(pod)}
            case "CronJob":
                job = {"template": _never_restarted(pod)}
                body = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job}}
            case "DaemonSet":
                body = selected
            case _:
                body = selected | {"replicas": 1}
        version = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
        version = "argoproj.io/v1alpha1" if kind == "Rollout" else version
        return self._apply(version, kind, name, None, spec=body | more)

    def pod(self, name: str, spec: Object) -> Object:
        """A Pod that nothing owns."""
        return self._apply("v1", "Pod", name, None, spec=spec)

    def check(self, name: str, *tokens: Object, workload: str = "", **more: Any) -> Object:
        """The TokenCheck stands in the cluster: tokens by :func:`listed`, ``more`` into its spec.

        ``workload`` is ``Deployment/NAME``; ``annotations=`` goes into its metadata.
        """
        annotations = more.pop("annotations", None)
        spec: Object = {"tokens": list(tokens)} if tokens else {}
        if workload:
            kind, _, of = workload.partition("/")
            spec["workloadRef"] = {"kind": kind, "name": of}
        return self._apply(API, "TokenCheck", name, annotations, spec=spec | more)

    def provider(self, *signers: Signer, name: str = "", **more: Any) -> str:
        """A TokenProvider with these keys (the shop's own without any); returns its name.

        Args:
            signers: whose public keys it holds.
            name: the namespace's name by default, so that it is the test's own.
            more: ``issuer=`` and others go into ``spec.jwt``; ``allowed=`` (all namespaces by
                default), ``scopes=`` and ``match=`` into the spec.
        """
        name = name or self.namespace
        allowed = more.pop("allowed", {"all": True})
        beside = {part: more.pop(part) for part in ("scopes", "match") if part in more}
        keys = {"type": "Inline", "jwks": jwks(*(signers or (self.signer,)))}
        rules = {"issuer": ISSUER, "keys": keys} | more
        body = {"allowedNamespaces": allowed, "jwt": rules} | beside
        self._providers.append(name)
        manifest = {"apiVersion": API, "kind": "TokenProvider", "metadata": {"name": name}}
        self.admin.apply(manifest | {"spec": body})
        return name

    def annotate(self, kind: str, name: str, **annotations: str | None) -> Object:
        """Our annotations stand on an object: ``check_now="1"`` is ``tokencheck.dev/check-now``."""
        ours = {f"tokencheck.dev/{k.replace('_', '-')}": v for k, v in annotations.items()}
        namespace = None if kind == "Namespace" else self.namespace
        body = {"metadata": {"annotations": ours}}
        return self.admin.patch(kind, name, body, namespace)

    def change(self, name: str, **spec: Any) -> Object:
        """The TokenCheck's spec has these fields (a merge patch: None removes one)."""
        return self.admin.patch("TokenCheck", name, {"spec": spec}, self.namespace)

    def delete(self, kind: str, name: str) -> None:
        """The object is gone or on its way out."""
        self.admin.delete(kind, name, self.namespace)

    def close(self) -> None:
        """What is not in the namespace is gone."""
        for name in self._providers:
            self.admin.delete("TokenProvider", name)

    # What became of it

    def wait(
        self, name: str, until: Callable[[Object], object], *, timeout_s: float = PATIENCE_S
    ) -> Object:
        """The TokenCheck, as soon as its status is current and ``until`` is truthy of it."""
        return self.admin.wait(
            "TokenCheck",
            name,
            self.namespace,
            until=lambda found: is_current(found) and until(found),
            timeout_s=timeout_s,
        )

    def reads(
        self, name: str, status: str, reason: str, *, timeout_s: float = PATIENCE_S
    ) -> Object:
        """The TokenCheck, as soon as Ready says this of the spec as it is now."""
        return self.wait(name, lambda it: ready(it) == (status, reason), timeout_s=timeout_s)

    def settled(self, kind: str, name: str, replicas: int = 1) -> Object:
        """The Deployment or StatefulSet, as soon as all its Pods are ready and current."""

        def done(found: Object) -> bool:
            status = found.get("status", {})
            return (
                status.get("observedGeneration") == found.get("metadata", {}).get("generation")
                and status.get("readyReplicas", 0) == status.get("replicas", 0) == replicas
                and status.get("updatedReplicas", replicas) == replicas
            )

        return self.admin.wait(kind, name, self.namespace, until=done, timeout_s=30)

    def events(self, name: str) -> list[Object]:
        """The operator's events on a TokenCheck, oldest first."""
        found = self.admin.list(
            "events.k8s.io/v1/Event", self.namespace, fieldSelector=f"regarding.name={name}"
        )
        return sorted(found, key=lambda event: str(event.get("eventTime")))

    def wait_event(self, name: str, reason: str, *, timeout_s: float = PATIENCE_S) -> Object:
        """The first event with this reason on a TokenCheck."""
        deadline = time.monotonic() + timeout_s
        while True:
            told = [event for event in self.events(name) if event["reason"] == reason]
            if told:
                return told[0]
            if time.monotonic() > deadline:
                seen = [(event["reason"], event.get("note")) for event in self.events(name)]
                raise TimeoutError(f"no event {reason} on {name}; there are {seen}")
            time.sleep(0.05)

    def history(self, name: str) -> list[Seen]:
        """Every version of a TokenCheck that the watch has shown, oldest first."""
        return self.statuses.of("TokenCheck", self.namespace, name)

    def seen(
        self, name: str, until: Callable[[Object], object], *, timeout_s: float = PATIENCE_S
    ) -> Seen:
        """The first version of a TokenCheck on the watch of which ``until`` is truthy."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = [one for one in self.history(name) if until(one.object)]
            if found:
                return found[0]
            if time.monotonic() > deadline:
                said = [ready(one.object) for one in self.history(name)]
                raise TimeoutError(f"the watch did not show it on {name}; Ready was {said}")
            time.sleep(0.01)

    def _apply(
        self, version: str, kind: str, name: str, annotations: Object | None, **body: Any
    ) -> Object:
        meta: Object = {"name": name, "namespace": self.namespace}
        if annotations:
            meta["annotations"] = annotations
        return self.admin.apply({"apiVersion": version, "kind": kind, "metadata": meta} | body)


def _never_restarted(pod: Object) -> Object:
    return pod | {"spec": pod["spec"] | {"restartPolicy": "Never"}}
