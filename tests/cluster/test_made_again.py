"""What somebody else makes again under the same name has nothing of what was there before."""

from __future__ import annotations

import base64
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from cluster.shop import (
    Object,
    Shop,
    condition,
    eventually,
    findings,
    listed,
    ready,
    states,
    token_of,
)
from controlplane import OperatorProcess

Launch = Callable[..., OperatorProcess]
GOOD = ("True", "AllChecksPassed")
GONE_S = 60.0


@contextmanager
def standing_still(operator: OperatorProcess, *, yes: bool) -> Iterator[None]:
    """It sees all at once, afterwards, what happened meanwhile; or each thing as it happens."""
    if yes:
        os.kill(operator.server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(operator.server.pid, signal.SIGCONT)


def drifted_once(shop: Shop, provider: str) -> Object:
    """A check with a baseline, a drift from it and a time at which its value changed."""
    shop.secret("payments", shop.signer.token(aud="old-audience"))
    shop.check("checkout", listed("payments", providerRef={"name": provider}))
    first = shop.reads("checkout", *GOOD)
    assert token_of(first)["baseline"]["audiences"] == ["old-audience"]
    shop.secret("payments", shop.signer.token(aud="other-audience"))
    found = shop.wait("checkout", lambda it: states(it)["Drifted"] == "True")
    changed = datetime.fromisoformat(token_of(found)["changedTime"])
    # Times are of whole seconds: what is made from now on is younger.
    eventually(lambda: datetime.now(UTC) >= changed + timedelta(seconds=1))
    return found


def versions(shop: Shop, uid: str) -> list[Object]:
    seen = [one.object for one in shop.history("checkout")]
    return [one for one in seen if one["metadata"]["uid"] == uid]


def series(operator: OperatorProcess, shop: Shop) -> dict[str, float]:
    of = f'namespace="{shop.namespace}"'
    return {name: value for name, value in operator.metrics().items() if of in name}


@pytest.mark.parametrize("unseen", [False, True], ids=["watched", "all at once"])
def test_a_namespace_that_is_made_again_inherits_no_verdict_no_provider_and_no_series(
    shop: Shop, launch_operator: Launch, unseen: bool
) -> None:
    operator, label = launch_operator(), {"vouched-for": shop.namespace}
    provider = shop.provider(allowed={"selector": {"matchLabels": label}})
    labelled = {"metadata": {"labels": label}}
    shop.admin.patch("Namespace", shop.namespace, labelled)
    old = drifted_once(shop, provider)
    ends = f'tokencheck_token_expiration_timestamp_seconds{{namespace="{shop.namespace}",'
    eventually(lambda: any(name.startswith(ends) for name in series(operator, shop)))

    with standing_still(operator, yes=unseen):
        shop.admin.delete("Namespace", shop.namespace)
        space = ("Namespace", shop.namespace)
        shop.admin.wait(*space, until=lambda it: not it, timeout_s=GONE_S)
        if not unseen:
            eventually(lambda: not series(operator, shop))
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": shop.namespace}}
        shop.admin.create(body)
        shop.secret("payments", shop.signer.token(aud="new-audience", exp=None))
        made = shop.check("checkout", listed("payments", providerRef={"name": provider}))
        uid = made["metadata"]["uid"]
        assert uid != old["metadata"]["uid"]

    closed = ("Unknown", "ProviderNotUsable")
    shop.wait("checkout", lambda it: it["metadata"]["uid"] == uid and ready(it) == closed)
    eventually(lambda: not any(name.startswith(ends) for name in series(operator, shop)))
    shop.admin.patch("Namespace", shop.namespace, labelled)
    opened = shop.wait("checkout", lambda it: ready(it)[0] == "True")
    assert token_of(opened)["baseline"]["audiences"] == ["new-audience"]
    for one in versions(shop, uid):
        said = json.dumps(one.get("status", {}))
        for trace in ("old-audience", "other-audience", "changedTime", *old_times(old)):
            assert trace not in said
        assert "True" not in {states(one).get(kind) for kind in ("Drifted", "StaleInPods")}
    assert "TokenDrifted" not in {event["reason"] for event in shop.events("checkout")}


def old_times(old: Object) -> set[str]:
    token = token_of(old)
    return {token[key] for key in ("changedTime", "issueTime", "expirationTime")}


@pytest.mark.parametrize("unseen", [False, True], ids=["watched", "all at once"])
def test_a_secret_that_is_made_again_is_as_old_as_its_creation_and_compared_with_the_baseline(
    shop: Shop, launch_operator: Launch, unseen: bool
) -> None:
    """A delete and a create is a rotation too: what the new one must be like stays known."""
    operator = launch_operator()
    old = drifted_once(shop, shop.provider())
    same = shop.admin.get("Secret", "payments", shop.namespace)["data"]

    def made_again(**data: str) -> Object:
        with standing_still(operator, yes=unseen):
            shop.delete("Secret", "payments")
            if not unseen:
                shop.reads("checkout", "False", "SecretNotFound")
            meta = {"name": "payments", "namespace": shop.namespace}
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data}
            version = shop.admin.create(secret)["metadata"]["resourceVersion"]
        return shop.wait("checkout", lambda it: token_of(it).get("resourceVersion") == version)

    # The same value in another Secret came when that was created, whatever was seen before.
    found = made_again(**same)
    assert token_of(found)["audiences"] == ["other-audience"]
    assert "changedTime" not in token_of(found)
    assert ("Drift", "Warn", "Drifted") in findings(found)
    other = shop.signer.token(aud="new-audience").encode()
    found = made_again(token=base64.b64encode(other).decode())
    assert token_of(found)["audiences"] == ["new-audience"]
    assert "changedTime" not in token_of(found)
    assert token_of(found)["baseline"] == token_of(old)["baseline"]
    assert 'from "old-audience" to "new-audience"' in condition(found, "Drifted")["message"]
