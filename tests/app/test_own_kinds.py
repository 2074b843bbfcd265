"""Events of our kinds may come in another order than they happened: one worker for each uid."""

from __future__ import annotations

from typing import Any

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.app.own_kinds import OwnKinds
from tokencheck.model.change import Change
from tokencheck.model.keys import Key


class Shelf:
    """What is known, in plain dictionaries."""

    def __init__(self) -> None:
        self.checks: dict[Key, TokenCheck] = {}
        self.providers: dict[str, TokenProvider] = {}

    def check(self, key: Key) -> TokenCheck | None:
        return self.checks.get(key)

    def put_check(self, check: TokenCheck) -> None:
        self.checks[Key("TokenCheck", check.namespace, check.name)] = check

    def drop_check(self, key: Key) -> None:
        self.checks.pop(key, None)

    def provider(self, name: str) -> TokenProvider | None:
        return self.providers.get(name)

    def put_provider(self, provider: TokenProvider) -> None:
        self.providers[provider.name] = provider

    def drop_provider(self, name: str) -> None:
        self.providers.pop(name, None)


def provider(uid: str, version: str, generation: int = 1) -> dict[str, Any]:
    meta = {"name": "payments", "uid": uid, "resourceVersion": version, "generation": generation}
    return {"metadata": meta, "spec": {"allowedNamespaces": {"all": True}}}


def receiving() -> tuple[OwnKinds, Shelf, list[Change]]:
    shelf, told = Shelf(), []
    return OwnKinds(shelf, told.append, lambda: 0.0, writing=lambda _: False), shelf, told


def test_the_late_end_of_an_older_provider_does_not_take_the_new_one_away() -> None:
    own, shelf, told = receiving()
    own.receive("TokenProvider", "ADDED", provider("u1", "5"))
    own.receive("TokenProvider", "ADDED", provider("u2", "9"))
    own.receive("TokenProvider", "DELETED", provider("u1", "8"))
    assert shelf.providers["payments"].uid == "u2"
    assert len(told) == 2
    own.receive("TokenProvider", "DELETED", provider("u2", "10"))
    assert shelf.providers == {}


def test_an_older_version_of_a_provider_is_not_taken_for_a_change() -> None:
    own, shelf, told = receiving()
    own.receive("TokenProvider", "MODIFIED", provider("u1", "12", generation=2))
    own.receive("TokenProvider", None, provider("u1", "5", generation=1))
    assert shelf.providers["payments"].generation == 2
    assert len(told) == 1
