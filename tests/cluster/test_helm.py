"""Helm 4 waits for a TokenCheck, fails as soon as waiting is vain, and never reads an old verdict.

`helm install --wait` and `helm upgrade --wait` with a chart of a Secret, a Deployment and a check.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cluster.shop import API, AUDIENCE, Object, Shop, Signer, env, pod_spec, ready, template
from controlplane import ControlPlane, build

pytestmark = pytest.mark.usefixtures("operator")

TIMEOUT_S = 60
# It would wait for a minute; a tool that fails at once does it well before.
AT_ONCE_S = 20.0


@dataclass
class Release:
    """One release of a small chart; what stands in it is changed by its values."""

    shop: Shop
    plane: ControlPlane
    folder: Path
    gate: Object = field(default_factory=dict)

    def chart(self, token: str | None, *, release: str, roll: str) -> Path:
        """The chart: its Secret only with a token."""
        pod = template("checkout", pod_spec(env("payments")))
        pod["metadata"]["annotations"] = {"example.com/roll": roll}
        selected = {"selector": {"matchLabels": {"app": "checkout"}}, "template": pod}
        expected = {"providerRef": {"name": self.shop.namespace}, "audiences": [AUDIENCE]}
        listed = {"name": "payments", "secretKeyRef": {"name": "payments", "key": "token"}}
        check = {
            "workloadRef": {"kind": "Deployment", "name": "checkout"},
            "tokens": [listed | expected],
            "gate": self.gate,
        } | ({"release": release} if release else {})
        objects = [
            ("apps/v1", "Deployment", "checkout", {"spec": {"replicas": 1} | selected}),
            (API, "TokenCheck", "checkout", {"spec": check}),
        ]
        if token is not None:
            objects.append(("v1", "Secret", "payments", {"stringData": {"token": token}}))
        templates = self.folder / "chart" / "templates"
        templates.mkdir(parents=True, exist_ok=True)
        about = {"apiVersion": "v2", "name": "checkout", "version": "1.0.0"}
        (self.folder / "chart" / "Chart.yaml").write_text(json.dumps(about))
        for old in templates.iterdir():
            old.unlink()
        for version, kind, name, body in objects:
            manifest: dict[str, Any] = {"apiVersion": version, "kind": kind}
            manifest |= {"metadata": {"name": name}} | body
            (templates / f"{kind.lower()}.yaml").write_text(json.dumps(manifest))
        return templates.parent

    def up(
        self, token: str | None, *, release: str = "", roll: str = "1"
    ) -> tuple[subprocess.CompletedProcess[str], float]:
        """What `helm upgrade --install --wait` said, and how many seconds it took."""
        chart = self.chart(token, release=release, roll=roll)
        began = time.monotonic()
        done = subprocess.run(
            [
                *(str(build(["helm"]) / "helm"), "upgrade", "--install", "checkout", str(chart)),
                *("-n", self.shop.namespace, "--kubeconfig", str(self.plane.kubeconfig())),
                *("--wait", "--timeout", f"{TIMEOUT_S}s"),
            ],
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.monotonic() - began
        print(f"helm: {done.returncode} after {took:.1f} s\n{done.stdout}{done.stderr}")
        return done, took

    @property
    def ready(self) -> tuple[str, str]:
        return ready(self.shop.admin.get("TokenCheck", "checkout", self.shop.namespace))


@pytest.fixture
def release(shop: Shop, controlplane: ControlPlane, tmp_path: Path) -> Release:
    shop.provider()
    return Release(shop, controlplane, tmp_path)


def test_an_install_with_a_good_token_passes_when_its_revision_is_verified(
    release: Release,
) -> None:
    done, _ = release.up(release.shop.signer.token())
    assert done.returncode == 0
    assert release.ready == ("True", "AllChecksPassed")
    found = release.shop.admin.get("TokenCheck", "checkout", release.shop.namespace)
    assert found["status"]["rollout"]["verifiedGeneration"] == 1


def test_an_install_with_a_stranger_s_token_fails_at_once_and_says_why(release: Release) -> None:
    done, took = release.up(Signer().token())
    assert done.returncode != 0
    assert took < AT_ONCE_S
    assert "the signature does not match any trusted key" in done.stderr
    assert "replace it" in done.stderr


def test_a_first_install_may_bring_its_secret_seconds_later(release: Release) -> None:
    """As External Secrets does: the Secret is made from another object."""
    token = release.shop.signer.token()
    late = threading.Timer(4.0, lambda: release.shop.secret("payments", token))
    late.start()
    done, took = release.up(None)
    late.join()
    assert done.returncode == 0
    assert took > 4.0


def test_a_secret_that_never_comes_fails_the_install_after_its_grace(release: Release) -> None:
    release.gate = {"graceFor": "2s"}
    done, took = release.up(None)
    assert done.returncode != 0
    assert took < AT_ONCE_S + 2.0
    assert "the Secret does not exist" in done.stderr


def test_an_upgrade_is_never_answered_by_the_verdict_before_it(release: Release) -> None:
    good = release.shop.signer.token()
    assert release.up(good)[0].returncode == 0
    other = release.shop.signer.token(aud="somebody-else")
    done, took = release.up(other, roll="2")
    assert done.returncode != 0
    assert took < AT_ONCE_S
    assert "AudienceMismatch" in done.stderr or "somebody-else" in done.stderr
    # The fix is not refused by the failure before it, however soon it comes.
    done, _ = release.up(good, roll="3")
    assert done.returncode == 0
    assert release.ready[0] == "True"


def test_a_release_in_the_spec_makes_an_upgrade_of_a_secret_alone_wait_for_its_verdict(
    release: Release,
) -> None:
    """No Pod is rolled: without it nothing but the Secret tells that there is something new."""
    assert release.up(release.shop.signer.token(), release="1")[0].returncode == 0
    done, took = release.up(Signer().token(), release="2")
    assert done.returncode != 0
    assert took < AT_ONCE_S
    assert "signature" in done.stderr


def test_an_advisory_check_never_holds_a_release_up(release: Release) -> None:
    release.gate = {"mode": "Advisory"}
    done, _ = release.up(release.shop.signer.expired())
    assert done.returncode == 0
    assert release.ready == ("True", "Advisory")
