"""Whatever a Secret is and becomes, its check says of it what is so, for the exact reason."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from cluster.shop import Object, Shop, Signer, eventually, listed, ready, token_of
from controlplane import Api, ApiError, OperatorProcess

pytestmark = pytest.mark.usefixtures("operator")

GOOD = ("True", "AllChecksPassed")
EXPIRED = ("False", "TokenExpired")
MALFORMED = ("False", "MalformedToken")
NO_SECRET = ("False", "SecretNotFound")
NO_KEY = ("False", "SecretKeyNotFound")
MIB = 1 << 20  # all values of a Secret together; the API server takes no more
HOLD = "example.com/hold"


def good(signer: Signer) -> dict[str, bytes]:
    return {"token": signer.token().encode()}


def expired(signer: Signer) -> dict[str, bytes]:
    return {"token": signer.expired().encode()}


def without(_: Signer) -> dict[str, bytes]:
    return {"another": b"nothing"}


def binary(_: Signer) -> dict[str, bytes]:
    return {"token": bytes(range(256))}


def binary_beside(signer: Signer) -> dict[str, bytes]:
    return good(signer) | {"keystore.p12": bytes(range(256)) * 16}


def huge(_: Signer) -> dict[str, bytes]:
    return {"token": b"a" * MIB}


def huge_beside(signer: Signer) -> dict[str, bytes]:
    token = good(signer)
    return token | {"bundle": b"\xff" * (MIB - len(token["token"]))}


@dataclass(frozen=True)
class Step:
    """What a Secret becomes, and what Ready says of it then.

    Args:
        anew: whether it is deleted and made again, as type and what is immutable want it.
    """

    data: Callable[[Signer], dict[str, bytes]]
    says: tuple[str, str]
    type: str = "Opaque"
    immutable: bool = False
    anew: bool = False


SHAPES = {
    "another type": (
        Step(good, GOOD),
        Step(good, GOOD, type="example.com/token", anew=True),
        Step(expired, EXPIRED, type="example.com/ended", anew=True),
        Step(good, GOOD, anew=True),
    ),
    "a key that is away for a while": (
        Step(good, GOOD),
        Step(without, NO_KEY),
        Step(good, GOOD),
    ),
    "immutable": (
        Step(good, GOOD, immutable=True),
        Step(expired, EXPIRED, immutable=True, anew=True),
        Step(good, GOOD, anew=True),
    ),
    "a mebibyte": (
        Step(huge, MALFORMED),
        Step(huge_beside, GOOD),
        Step(huge, MALFORMED),
    ),
    "bytes that are no text": (
        Step(binary, MALFORMED),
        Step(binary_beside, GOOD),
        Step(binary, MALFORMED),
    ),
}


def put(shop: Shop, step: Step) -> str:
    """The Secret is so; returns its version."""
    data = {key: base64.b64encode(raw).decode() for key, raw in step.data(shop.signer).items()}
    body: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "payments", "namespace": shop.namespace},
        "type": step.type,
        "data": data,
    }
    if step.anew:
        shop.delete("Secret", "payments")
    made = shop.admin.apply(body | ({"immutable": True} if step.immutable else {}))
    return str(made["metadata"]["resourceVersion"])


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_of_a_secret_has_its_reason_and_none_has_another_for_a_moment(
    shop: Shop, shape: str
) -> None:
    steps = SHAPES[shape]
    version = put(shop, steps[0])
    shop.check("checkout", listed("payments", providerRef={"name": shop.provider()}))
    shop.reads("checkout", *steps[0].says)
    for step in steps[1:]:
        version = put(shop, step)

        def is_so(found: Object, step: Step = step, version: str = version) -> bool:
            read = token_of(found).get("resourceVersion")
            return ready(found) == step.says and (step.data is without or read == version)

        shop.wait("checkout", is_so)
    said = {ready(one.object) for one in shop.history("checkout")} - {("", "")}
    away = {NO_SECRET} if any(step.anew for step in steps) else set()
    assert said <= {step.says for step in steps} | away | {("Unknown", "Pending")}


def test_an_immutable_secret_is_rotated_by_another_one_alone(shop: Shop) -> None:
    put(shop, Step(good, GOOD, immutable=True))
    shop.check("checkout", listed("payments", providerRef={"name": shop.provider()}))
    before = shop.reads("checkout", *GOOD)
    with pytest.raises(ApiError, match="immutable"):
        put(shop, Step(expired, EXPIRED, immutable=True))
    assert shop.reads("checkout", *GOOD)["status"] == before["status"]


@pytest.fixture
def ending(shop: Shop, admin: Api) -> Shop:
    """A shop in a namespace that the test ends."""
    name = f"ending-{secrets.token_hex(3)}"
    admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    made = Shop(admin, name, shop.statuses)
    made.signer = shop.signer
    return made


def test_a_namespace_that_ends_is_judged_to_its_end_and_holds_up_nobody(
    shop: Shop, ending: Shop, admin: Api, operator: OperatorProcess
) -> None:
    """Its Secrets go, and no Event can be made there; somebody's finalizer keeps the check."""
    expectations = listed("payments", providerRef={"name": shop.provider()})
    failed = operator.metrics()["tokencheck_passes_failed_total"]
    for one in (shop, ending):
        put(one, Step(good, GOOD))
        one.check("checkout", expectations)
        one.reads("checkout", *GOOD)
    held = {"metadata": {"finalizers": [HOLD]}}
    admin.patch("TokenCheck", "checkout", held, ending.namespace)
    admin.delete("Namespace", ending.namespace)
    ending.reads("checkout", *NO_SECRET)
    put(shop, Step(expired, EXPIRED))
    shop.reads("checkout", *EXPIRED)
    assert f'namespace="{ending.namespace}"' in operator.get("/metrics")[1]

    free = {"metadata": {"finalizers": None}}
    admin.patch("TokenCheck", "checkout", free, ending.namespace)
    eventually(lambda: admin.find("Namespace", ending.namespace) is None, timeout_s=60.0)
    eventually(lambda: f'namespace="{ending.namespace}"' not in operator.get("/metrics")[1])
    shown = operator.metrics()
    assert shown["tokencheck_passes_failed_total"] == failed
    assert shown["tokencheck_events_waiting"] == 0
