"""Vendors of the chart through the life of a release: the real Helm, on a real API server.

Each test begins with a cluster that knows none of our kinds, as a first install does.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controlplane import Api, ControlPlane, build
from controlplane.launch import CHART, NAMESPACE, wait_enforced

KIND = "/apis/tokencheck.dev/v1alpha1/tokenproviders"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ANSWERED = {"status": {"lastAnswerTime": "2027-01-31T10:00:00Z"}}


@dataclass
class Release:
    """The release `tokencheck`.

    Args:
        server_side: whether Helm applies server-side, as Helm 4 does by default and Helm 3 never.
    """

    plane: ControlPlane
    home: Path
    server_side: str = "true"

    def helm(self, *args: str, fails: bool = False) -> str:
        """What Helm printed."""
        done = subprocess.run(
            [
                *(str(build(["helm"]) / "helm"), *args, "-n", NAMESPACE),
                *("--kubeconfig", str(self.plane.kubeconfig())),
            ],
            env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
        )
        print(f"helm {' '.join(args)}: {done.returncode}\n{done.stdout[-600:]}{done.stderr}")
        assert (done.returncode != 0) is fails, done.stderr
        return done.stdout + done.stderr

    def installs(self, *vendors: str, fails: bool = False) -> str:
        more = ("--create-namespace", f"--server-side={self.server_side}")
        return self.helm("install", "tokencheck", str(CHART), *more, *on(vendors), fails=fails)

    def upgrades(self, *vendors: str, fails: bool = False) -> str:
        return self.helm("upgrade", "tokencheck", str(CHART), *on(vendors), fails=fails)

    def uninstalls(self) -> str:
        return self.helm("uninstall", "tokencheck")

    @property
    def api(self) -> Api:
        return self.plane.api()

    def providers(self) -> dict[str, dict]:
        """Those of the cluster, by name."""
        found = self.api.request("GET", KIND)["items"]
        return {one["metadata"]["name"]: one for one in found}

    def uids(self) -> dict[str, str]:
        return {name: one["metadata"]["uid"] for name, one in self.providers().items()}


def on(vendors: tuple[str, ...]) -> tuple[str, ...]:
    values = {
        "vendors": {vendor: {"enabled": True} for vendor in vendors},
        "admission": {"statusWriters": ["admin"]},  # who stands in for the operator
    }
    return tuple(
        part
        for name, value in values.items()
        for part in ("--set-json", f"{name}={json.dumps(value)}")
    )


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane(parts=()) as running:
        yield running


@pytest.fixture
def release(plane: ControlPlane, tmp_path: Path) -> Iterator[Release]:
    made = Release(plane, tmp_path)
    yield made
    if "tokencheck" in made.helm("list", "-q"):
        made.helm("uninstall", "tokencheck", "--no-hooks")
    for crd in made.api.request("GET", CRDS)["items"]:
        name = crd["metadata"]["name"]
        made.api.delete("CustomResourceDefinition", name)
        made.api.wait("CustomResourceDefinition", name, until=lambda it: not it)


@pytest.mark.parametrize("server_side", ["true", "false"])
def test_from_the_first_install_to_the_last_trace(release: Release, server_side: str) -> None:
    """One life: each step stands on the one before."""
    release.server_side = server_side
    notes = release.installs("GitHub", "npm")
    assert "Tokens of npm that TokenChecks find are sent to npm, and to nobody else" in notes
    assert release.providers().keys() == {"github", "npm"}
    before = release.uids()
    release.api.request(
        "PATCH", f"{KIND}/github/status", ANSWERED, content_type="application/merge-patch+json"
    )

    # From here on the API server refuses whoever may not write a TokenProvider.
    wait_enforced(release.plane)
    release.upgrades("GitHub", "npm")
    assert release.uids() == before, "an upgrade keeps them"
    assert ANSWERED["status"].items() <= release.providers()["github"]["status"].items()
    release.upgrades("GitHub", "npm", "Slack")
    assert release.providers().keys() == {"github", "npm", "slack"}
    release.upgrades("npm")
    assert release.uids() == {"npm": before["npm"]}, "one that is switched off goes"

    release.helm("rollback", "tokencheck")
    assert release.providers().keys() == {"github", "npm", "slack"}
    release.uninstalls()
    assert release.providers() == {}


def test_one_that_is_switched_off_right_after_the_first_install_goes(release: Release) -> None:
    release.installs("GitHub", "npm")
    before = release.uids()
    release.upgrades("npm")
    assert release.uids() == {"npm": before["npm"]}


def test_who_goes_back_to_the_first_install_has_its_providers(release: Release) -> None:
    release.installs("GitHub")
    release.upgrades("GitHub", "npm")
    release.helm("rollback", "tokencheck", "1")
    assert release.providers().keys() == {"github"}
    (spec,) = (one["spec"] for one in release.providers().values())
    assert spec["match"] == {"kinds": ["GitHub"]}
    release.upgrades()
    assert release.providers() == {}


def test_an_uninstall_right_after_the_first_install_leaves_them_to_the_next_one(
    release: Release,
) -> None:
    release.installs("GitHub", "npm")
    before = release.uids()
    release.uninstalls()
    assert release.uids() == before
    release.installs("npm")
    assert release.uids() == {"npm": before["npm"]}


def test_a_provider_that_somebody_wrote_is_left_alone(release: Release) -> None:
    release.installs()
    theirs = {"allowedNamespaces": {"all": True}, "vendor": {"type": "GitLab"}}
    head = {"apiVersion": "tokencheck.dev/v1alpha1", "kind": "TokenProvider"}
    for name in ("gitlab", "github"):
        release.api.request("POST", KIND, head | {"metadata": {"name": name}, "spec": theirs})
    before = release.uids()
    release.upgrades("npm")
    assert "invalid ownership metadata" in release.upgrades("GitHub", fails=True)
    release.uninstalls()
    assert release.uids() == before
