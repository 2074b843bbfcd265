"""Tokens of PyPI in what a workload mounts: their caveats tell their end and their projects."""

from __future__ import annotations

import time

import pytest

from cluster.shop import DAY_S, Shop, condition, env, findings, listed, pod_spec, ready
from macaroons import minted

pytestmark = pytest.mark.usefixtures("operator")

OF_A_USER = '[3,"7a9c1f0e-8f57-4f7d-9a3c-6f9a6d2c9b11"]'


def lasting(*caveats: str, left_s: int) -> str:
    now = int(time.time())
    return "pypi-" + minted([*caveats, f"[0,{now + left_s},{now - DAY_S}]"]).decode()


def test_a_pypi_token_that_nobody_listed_ends_when_its_caveats_say(shop: Shop) -> None:
    shop.secret("pypi", lasting(OF_A_USER, left_s=12))
    shop.workload("checkout", pod_spec(env("pypi")))
    shop.check("checkout", workload="Deployment/checkout")
    shop.wait("checkout", lambda it: ready(it)[0] == "True")
    # Nothing but the clock moves.
    found = shop.wait("checkout", lambda it: ready(it) == ("False", "TokenExpired"))
    assert "(by its caveats)" in condition(found, "Ready")["message"]
    shop.secret("pypi", lasting(OF_A_USER, left_s=90 * DAY_S))
    shop.wait("checkout", lambda it: ready(it)[0] == "True")


def test_a_token_for_the_whole_account_is_found_where_the_spec_forbids_it(shop: Shop) -> None:
    shop.secret("pypi", lasting(OF_A_USER, left_s=90 * DAY_S))
    shop.check("pypi", listed("pypi", scopes={"forbidden": ["user"]}))
    found = shop.wait("pypi", lambda it: ready(it) == ("False", "ScopeForbidden"))
    assert found["status"]["tokens"][0]["scopes"]["granted"] == ["user"]
    shop.secret("pypi", lasting(OF_A_USER, '[1,["shop"]]', left_s=90 * DAY_S))
    found = shop.wait("pypi", lambda it: ready(it) == ("Unknown", "NotVerifiable"))
    assert found["status"]["tokens"][0]["scopes"]["granted"] == ["project:shop"]


def test_a_pypi_token_that_is_cut_off_is_malformed(shop: Shop) -> None:
    shop.secret("pypi", lasting(OF_A_USER, left_s=90 * DAY_S)[:-4])
    shop.check("pypi", listed("pypi"))
    found = shop.wait("pypi", lambda it: ready(it) == ("False", "MalformedToken"))
    assert ("WellFormed", "Fail", "MalformedToken") in findings(found)
