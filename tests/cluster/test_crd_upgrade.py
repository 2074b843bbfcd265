"""Another schema takes the place of ours while the operator runs: an older one, a newer one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import pytest
import yaml

from cluster.keeping import KIND, apply, keeper_on, names
from cluster.shop import (
    API,
    AUDIENCE,
    Object,
    Shop,
    eventually,
    listed,
    pod_spec,
    ready,
    token_of,
)
from controlplane import Api, ApiError, ControlPlane, OperatorProcess
from controlplane.launch import CHECKOUT

pytestmark = pytest.mark.usefixtures("operator")

CRDS = CHECKOUT / "crds"
GOOD, ENDED = ("True", "AllChecksPassed"), ("False", "TokenExpired")
STRANGER = ("False", "SubjectMismatch")
# Of a token, and of a ClusterTokenCheck; every schema has the first.
FIELDS = {"TokenCheck": ("issuer", "subject", "later"), KIND: ("copyLabels", "workloads")}
MANY = [AUDIENCE, *(f"audience-{number}" for number in range(16))]  # one more than we take
QUIET_S = 2.0
# What a schema reaches the API server in, and a watch the operator.
SOON_S = 15.0
ROUNDS_S = 60.0  # several, a second apart, on a machine that others keep busy


@pytest.fixture(scope="module")
def operator(
    controlplane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """It keeps the TokenChecks of ClusterTokenChecks too."""
    with keeper_on(controlplane, tmp_path_factory.mktemp("operator")) as process:
        yield process


def shipped(kind: str = "TokenCheck") -> Object:
    crd: Object = yaml.safe_load((CRDS / f"{kind.lower()}s.yaml").read_text())
    return crd


def properties_in(crd: Object, part: str) -> Object:
    """What the spec or the status may say."""
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    found: Object = schema["properties"][part]["properties"]
    return found


def token_in(crd: Object, part: str) -> Object:
    """The schema of a token in the spec or in the status."""
    found: Object = properties_in(crd, part)["tokens"]["items"]
    return found


def older() -> Object:
    """A field less in spec and status, no rule that names it, and a bound that is wider."""
    crd = shipped()
    token, rules = token_in(crd, "spec"), "x-kubernetes-validations"
    token[rules] = [one for one in token[rules] if "subject" not in one["rule"]]
    del token["properties"]["subject"], token_in(crd, "status")["properties"]["baseline"]
    token["properties"]["audiences"] |= {"maxItems": len(MANY)}
    return crd


def newer() -> Object:
    """A field more."""
    crd = shipped()
    token_in(crd, "spec")["properties"]["later"] = {"type": "string", "maxLength": 63}
    return crd


Put = Callable[[Object], None]


@pytest.fixture
def put(admin: Api, namespace: str) -> Iterator[Put]:
    """The CRD is this one, and the API server goes by it; afterwards it is ours."""
    changed = set()

    def put_and_wait(crd: Object) -> None:
        kind = crd["spec"]["names"]["kind"]
        changed.add(kind)
        admin.apply(crd)
        known = token_in(crd, "spec")["properties"] if kind != KIND else properties_in(crd, "spec")
        expected = set(FIELDS[kind]) & known.keys()
        eventually(lambda: fields_known(admin, kind, namespace) == expected, timeout_s=SOON_S)

    yield put_and_wait
    for kind in tuple(changed):
        put_and_wait(shipped(kind))


def fields_known(admin: Api, kind: str, namespace: str) -> set[str]:
    """Which of these the API server takes just now."""
    path, taken = admin.path(kind, None if kind == KIND else namespace), set()
    for field in FIELDS[kind]:
        try:
            query = {"dryRun": "All", "fieldValidation": "Strict"}
            admin.request("POST", path, saying(kind, field, namespace), query=query)
        except ApiError:
            continue
        taken.add(field)
    return taken


def saying(kind: str, field: str, namespace: str) -> Object:
    """An object that says something in this field."""
    head = {"apiVersion": API, "kind": kind}
    if kind == KIND:
        said = [] if field == "copyLabels" else {}
        return head | {
            "metadata": {"name": f"asked-{namespace}"[:63].rstrip("-")},
            "spec": {"namespaceSelector": {}, field: said},
        }
    meta = {"name": "asked", "namespace": namespace}
    return head | {"metadata": meta, "spec": {"tokens": [listed("payments", **{field: "x"})]}}


def said(shop: Shop, name: str, *expected: tuple[str, str]) -> bool:
    """Ready said these, one after the other, once somebody had looked; the watch lags a little."""
    readies = [ready(one.object) for one in shop.history(name)]
    return [one for one, _ in groupby(readies) if one[1] != "Pending"] == [*expected]


def stand(shop: Shop, **names: str) -> Callable[..., None]:
    """A check for each name with its token; returns what applies one again with more."""
    provider = shop.provider()

    def check(name: str, **expected: Any) -> None:
        usual = {"providerRef": {"name": provider}, "audiences": [AUDIENCE]}
        shop.check(name, listed(name, **usual | expected))

    for name, token in names.items():
        shop.secret(name, token)
        check(name, **({"audiences": MANY} if name == "many" else {}))
    return check


def rests(shop: Shop, *names: str) -> None:
    """Nothing is written on these checks for a while."""

    def versions() -> list[str]:
        found = [shop.admin.get("TokenCheck", name, shop.namespace) for name in names]
        return [one["metadata"]["resourceVersion"] for one in found]

    before = versions()
    time.sleep(QUIET_S)
    assert versions() == before


def test_ours_takes_the_place_of_an_older_schema_and_gives_it_back(shop: Shop, put: Put) -> None:
    put(older())
    good, ended = shop.signer.token(), shop.signer.expired()
    check = stand(shop, good=good, ended=ended, many=good)
    for name, expected in (("good", GOOD), ("ended", ENDED), ("many", GOOD)):
        assert "baseline" not in token_of(shop.reads(name, *expected))
    rests(shop, "good", "ended", "many")

    put(shipped())
    check("good", subject="somebody")
    shop.secret("ended", shop.signer.token())
    # Its spec is none that could be written now; its status can.
    shop.secret("many", ended)
    for name, expected in (("good", STRANGER), ("ended", GOOD), ("many", ENDED)):
        shop.reads(name, *expected, timeout_s=SOON_S)
    assert "baseline" in token_of(shop.reads("ended", *GOOD))

    # The expectation is not there any more, and nobody wrote the object.
    put(older())
    shop.reads("good", *GOOD, timeout_s=SOON_S)
    shop.secret("ended", ended)
    shop.reads("ended", *ENDED, timeout_s=SOON_S)
    rests(shop, "good", "ended", "many")

    put(shipped())
    check("good", subject="somebody")
    shop.reads("good", *STRANGER, timeout_s=SOON_S)
    eventually(lambda: said(shop, "good", GOOD, STRANGER, GOOD, STRANGER))
    eventually(lambda: said(shop, "ended", ENDED, GOOD, ENDED))
    eventually(lambda: said(shop, "many", GOOD, ENDED))


def test_a_newer_schema_goes_back_to_ours(shop: Shop, put: Put) -> None:
    """What we do not know yet is no fault, and no verdict moves when it goes."""
    put(newer())
    check = stand(shop, good=shop.signer.token(), ended=shop.signer.expired())
    check("good", later="x")
    for name, expected in (("good", GOOD), ("ended", ENDED)):
        shop.reads(name, *expected)

    put(shipped())
    rests(shop, "good", "ended")
    shop.secret("good", shop.signer.expired())
    shop.secret("ended", shop.signer.token())
    for name, expected in (("good", ENDED), ("ended", GOOD)):
        shop.reads(name, *expected, timeout_s=SOON_S)
    eventually(lambda: said(shop, "good", GOOD, ENDED))
    eventually(lambda: said(shop, "ended", ENDED, GOOD))


def test_what_a_cluster_check_says_by_the_schema_of_now_is_seen(shop: Shop, put: Put) -> None:
    """A watch of the schema before shows it otherwise, in a version that stays."""
    older = shipped(KIND)
    del properties_in(older, "spec")["workloads"]
    put(older)
    try:
        apply(shop.admin, shop.namespace)
        shop.workload("web", pod_spec())
        shop.workload("db", pod_spec(), kind="StatefulSet")
        has(shop, "deployment-web", "statefulset-db")

        put(shipped(KIND))
        apply(shop.admin, shop.namespace, workloads={"kinds": ["StatefulSet"]})
        has(shop, "statefulset-db")

        # With a status that is still written somebody would have written the object.
        eventually(lambda: is_quiet(shop), timeout_s=ROUNDS_S)
        put(older)
        has(shop, "deployment-web", "statefulset-db")
    finally:
        shop.admin.delete(KIND, shop.namespace)


def is_quiet(shop: Shop) -> bool:
    """Nothing was written on the ClusterTokenCheck for a few rounds."""
    before = shop.admin.get(KIND, shop.namespace)
    time.sleep(2 * QUIET_S)
    return shop.admin.get(KIND, shop.namespace) == before


def has(shop: Shop, *expected: str) -> None:
    eventually(lambda: names(shop) == {*expected}, timeout_s=ROUNDS_S)
