"""A seeded world that never rests: Secrets are rotated, broken, deleted, mended; specs change."""

from __future__ import annotations

import base64
import random
import threading
import time
from collections.abc import Callable
from http.client import HTTPException

from cluster.shop import API, AUDIENCE, ISSUER, SCOPES, Signer, jwks
from controlplane import Api, ApiError
from faults.history import DRIFTING
from faults.leaks import Leaks
from faults.oracle import Object
from faults.teams import Teams
from faults.tokens import Tokens
from faults.workloads import Workloads

PROVIDER = "login"
OTHER_AUDIENCE = "refunds-api"
DRIFT, ROLL = "drift-", "roll-"
EACH = 10  # of so many checks one drifts, and one follows a workload
DRIFTS = 16  # of one object
TEAMS = 30  # of so many changes there is one more: of what ClusterTokenChecks are about


class World:
    """Checks of one Secret each, and changes to them, in an order that the seed decides."""

    def __init__(self, api: Api, namespace: str, *, seed: int, checks: int, leaks: Leaks) -> None:
        """Nothing stands yet."""
        self._api = api
        self.namespace = namespace
        self._random = random.Random(seed)
        kinds = {0: DRIFT, EACH // 2: ROLL}
        self._names = [f"{kinds.get(n % EACH, 'check-')}{n}" for n in range(checks)]
        self._drifted: dict[str, int] = {}
        self._released: dict[str, int] = {}
        self._signer = Signer()
        self._workloads = Workloads(api, namespace)
        self._teams = Teams(api, seed)
        self._tokens = Tokens(self._signer, self._random, leaks.token)
        self._turn = 0
        self.steps = 0
        self.failed = 0

    # What stands in it

    @property
    def provider(self) -> Object:
        """The spec of the one TokenProvider; it never changes."""
        rules = {
            "issuer": ISSUER,
            "clockSkew": "0s",
            "keys": {"type": "Inline", "jwks": jwks(self._signer)},
        }
        return {"allowedNamespaces": {"all": True}, "jwt": rules}

    def build(self) -> None:
        """Namespace, provider, Secrets and checks stand in the cluster."""
        self._api.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        )
        manifest = {"apiVersion": API, "kind": "TokenProvider", "metadata": {"name": PROVIDER}}
        self._api.apply(manifest | {"spec": self.provider})
        self._teams.build()

    @property
    def given_up(self) -> set[str]:
        """Uids of TokenChecks whose author has deleted them, or is about to."""
        return self._teams.given_up

    def fill(self) -> None:
        """Every check stands; what is missing is made, with a good token."""
        for name in self._names:
            if name.startswith(ROLL):
                self._workloads.stand(name)
            if self._api.find("Secret", name, self.namespace) is None:
                self._create_secret(name, self._tokens.good())
            if self._api.find("TokenCheck", name, self.namespace) is None:
                if name.startswith(DRIFT):
                    self._drifted[name] = 0
                    self._put_token(name, self._tokens.good())
                self._create_check(name)

    # Its life

    def step(self) -> None:
        """One change. What the API server does not take is no change."""
        name = self._names[self._turn % len(self._names)]
        self._turn += 1
        special = {DRIFT: self._drift, ROLL: self._roll}
        change = special.get(f"{name.partition('-')[0]}-") or self._pick()
        try:
            change(name)
            if self._turn % TEAMS == 0:
                self._teams.step()
        except (ApiError, OSError, HTTPException):
            # It is down, or the object is not there: the recorder knows what became of it.
            self.failed += 1
        self.steps += 1

    def _pick(self) -> Callable[[str], None]:
        changes: dict[Callable[[str], None], int] = {
            self._rotate: 70,
            self._delete_secret: 5,
            self._lose_key: 3,
            self._annotate: 4,
            self._change_spec: 8,
            self._make_check_again: 6,
        }
        return self._random.choices(list(changes), list(changes.values()))[0]

    def _rotate(self, name: str) -> None:
        self._put_token(name, self._tokens.any())

    def _drift(self, name: str) -> None:
        """Away from the token that was accepted, and back; nothing else ever changes of it.

        A check whose Secret was never read has accepted none yet: it is left alone.
        """
        found = self._api.find("TokenCheck", name, self.namespace)
        if found is None:  # it was to be made again, and the API server was away
            self._drifted[name] = 0
            self._put_token(name, self._tokens.good())
            self._create_check(name)
            return
        if not any("baseline" in one for one in found.get("status", {}).get("tokens", ())):
            return
        turn = self._drifted[name] = self._drifted.get(name, 0) + 1
        self._put_token(name, self._tokens.drifted() if turn % 2 else self._tokens.good())
        if turn % DRIFTS == 0:
            # One object may tell 25 Events at once, and then one in five minutes.
            self._api.delete("TokenCheck", name, self.namespace)
            self._create_check(name)

    def _roll(self, name: str) -> None:
        """A new template, another token while it rolls out, and its end: one of them each time."""
        turn = self._released[name] = self._released.get(name, 0) + 1
        if turn % 3 == 1:
            self._workloads.release(name, turn)
        if turn % 3 == 2:
            self._rotate(name)
        if turn % 3 == 0 or self._random.random() < 0.3:
            self._workloads.roll_out(name)

    def _put_token(self, name: str, text: str) -> None:
        body = {"data": {"token": _encoded(text), "other": None}}
        try:
            self._api.patch("Secret", name, body, self.namespace)
        except ApiError as error:
            if error.code != 404:
                raise
            self._create_secret(name, text)

    def _create_secret(self, name: str, text: str) -> None:
        meta = {"name": name, "namespace": self.namespace}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": meta}
        self._api.create(body | {"data": {"token": _encoded(text)}})

    def _delete_secret(self, name: str) -> None:
        self._api.delete("Secret", name, self.namespace)

    def _lose_key(self, name: str) -> None:
        body = {"data": {"token": None, "other": _encoded("nothing")}}
        self._api.patch("Secret", name, body, self.namespace)

    def _annotate(self, name: str) -> None:
        """Another version of the Secret, and the same value."""
        note = {"example.com/step": str(self.steps)}
        self._api.patch("Secret", name, {"metadata": {"annotations": note}}, self.namespace)

    def _change_spec(self, name: str) -> None:
        """Half of the time while the pass over another change is under way."""
        if self._random.random() < 0.5:
            self._rotate(name)
        body = {"spec": {"tokens": [self._token_spec(name)]}}
        self._api.patch("TokenCheck", name, body, self.namespace)

    def _make_check_again(self, name: str) -> None:
        """Deleted and made again, while the pass over a change of the old one is under way."""
        self._rotate(name)
        time.sleep(self._random.random() * 0.03)
        self._api.delete("TokenCheck", name, self.namespace)
        self._create_check(name)

    def _create_check(self, name: str) -> None:
        meta = {"name": name, "namespace": self.namespace}
        spec: Object = {"tokens": [self._token_spec(name)]}
        if not name.startswith(DRIFT):
            spec["policy"] = {"drift": "Ignore"}
        if name.startswith(ROLL):
            of = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
            spec |= {"workloadRef": of, "discover": "None"}
        body = {"apiVersion": API, "kind": "TokenCheck", "metadata": meta, "spec": spec}
        self._api.create(body)

    def _token_spec(self, name: str) -> Object:
        """Mostly the one that the good token meets."""
        source = {"secretKeyRef": {"name": name, "key": "token"}, "providerRef": {"name": PROVIDER}}
        if name.startswith(DRIFT):
            return source | {"name": DRIFTING, "audiences": [AUDIENCE]}
        audience = self._random.choices([AUDIENCE, OTHER_AUDIENCE], [8, 2])[0]
        expiry = self._random.choice([{}, {"warnBefore": "3s"}, {"failBefore": "2s"}])
        return {
            **source,
            "name": "payments",
            "audiences": [audience],
            "subject": "checkout",
            "scopes": {"required": SCOPES},
        } | ({"expiry": expiry} if expiry else {})


class Driver:
    """Lets a world live in a thread of its own, so many steps a second."""

    def __init__(self, world: World, per_second: float) -> None:
        """It stands still."""
        self._world = world
        self._pause_s = 1 / per_second
        self._runs = threading.Event()
        self._ended = threading.Event()
        self._still = threading.Event()
        self._still.set()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def run(self) -> None:
        """It lives."""
        self._still.clear()
        self._runs.set()

    def rest(self) -> None:
        """No change is under way, and none comes."""
        self._runs.clear()
        self._still.wait(30)

    def close(self) -> None:
        """The thread has ended."""
        self._ended.set()
        self._runs.set()
        self._thread.join(30)

    def _live(self) -> None:
        due = time.monotonic()
        while not self._ended.is_set():
            if not self._runs.is_set():
                self._still.set()
                self._runs.wait()
                due = time.monotonic()
                continue
            self._world.step()
            # A slow machine makes fewer changes, not a burst of them afterwards.
            due = max(due + self._pause_s, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
