"""The commands beside a running operator: what a user sees after an apply and a rollout."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from cluster.cli import tokencheck
from cluster.shop import AUDIENCE, Shop, env, listed, pod_spec
from controlplane import ControlPlane

Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def run(controlplane: ControlPlane, shop: Shop) -> Run:
    def run_in_shop(*args: str) -> subprocess.CompletedProcess[str]:
        return tokencheck(*args, "-n", shop.namespace, kubeconfig=controlplane.kubeconfig())

    return run_in_shop


@pytest.fixture
def paying(shop: Shop) -> Shop:
    """A Deployment whose token passes everything that its TokenCheck asks for."""
    shop.secret("payments", shop.signer.token())
    shop.workload("checkout", pod_spec(env("payments")))
    provider = {"providerRef": {"name": shop.provider()}, "audiences": [AUDIENCE]}
    shop.check("checkout", listed("payments", **provider), workload="Deployment/checkout")
    return shop


def test_wait_passes_once_the_revision_runs_with_good_tokens(run: Run, paying: Shop) -> None:
    first = run("wait", "deploy/checkout", "--timeout", "40s")
    assert first.returncode == 0, first
    assert "verified: Deployment checkout generation 1" in first.stdout
    template = {"metadata": {"annotations": {"rolled": "again"}}}
    body = {"spec": {"template": template}}
    paying.admin.patch("Deployment", "checkout", body, paying.namespace)
    second = run("wait", "checkout", "--timeout", "40s")
    assert second.returncode == 0, second
    assert "generation 2" in second.stdout


def test_wait_fails_at_once_on_a_token_for_others(run: Run, paying: Shop) -> None:
    paying.secret("payments", paying.signer.token(aud="somebody-else"))
    waited = run("wait", "checkout", "--timeout", "40s")
    assert waited.returncode == 1, waited
    assert "AudienceMismatch" in waited.stderr


def test_check_runs_now_and_shows_what_it_found(run: Run, paying: Shop) -> None:
    paying.reads("checkout", "True", "AllChecksPassed", timeout_s=40)
    asked = run("check", "checkout")
    assert asked.returncode == 0, asked
    assert "Ready=True" in asked.stdout
    paying.secret("payments", paying.signer.expired())
    failed = run("check", "checkout")
    assert failed.returncode == 1, failed
    assert "TokenExpired" in failed.stdout
    assert "rotate it" in failed.stdout


def test_explain_agrees_with_itself_at_the_present(run: Run, paying: Shop) -> None:
    """Judged with the caller's rights, the present is what the operator wrote."""
    paying.secret("payments", paying.signer.token(scope="a b", aud=[AUDIENCE, "other"]))
    paying.reads("checkout", "True", "PassedWithWarnings", timeout_s=40)
    stored = json.loads(run("explain", "checkout", "-o", "json").stdout)
    anew = json.loads(run("explain", "checkout", "-o", "json", "--at", "+0s").stdout)
    for part in ("verdict", "summary"):
        assert anew[part] == stored[part]
    adverse = [f for f in anew["findings"] if f["result"] not in ("Pass",)]
    # When a finding began is known to the status alone.
    told = [{k: v for k, v in f.items() if k != "since"} for f in stored["findings"]]
    assert adverse == told
    later = run("explain", "checkout", "--at", "+120d")
    assert later.returncode == 1
    assert "TokenExpired" in later.stdout
