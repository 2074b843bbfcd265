"""Whatever any await of a command is answered with: no token text is printed.

What a command prints stands in the logs of pipelines, which many may read.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from awaits.apiserver import Judging
from awaits.estate import Tokens, objects, secret
from canary import Secret, Sweep
from introspector import Introspector
from issuer import Issuer
from loopthread import LoopThread
from rawserver import kubeconfig
from vendorapi import TOKENS, VendorApi

PRIVATE = ("--allow-private", "127.0.0.0/8")
CHECKOUT = Path(__file__).parents[2]
WAITING = ("check", "wait")
# How they may end: a pipeline would take 1 for findings, and 0 for a verdict.
ENDS = {"verify -": {0, 3}, "check": {0, 3, 4}, "wait": {0, 3, 4}}


class Estate:
    """The servers, and what they hold."""

    def __init__(
        self, folder: Path, issuer: Issuer, login: Introspector, vendors: VendorApi
    ) -> None:
        self._folder = folder
        self.tokens = Tokens(issuer, login)
        self.objects = objects(issuer, login) | dict([self.tokens.secret()])
        github = vendors.provider("GitHub", "github", match={"kinds": ["GitHub"]})
        self.objects["tokenproviders", "", "github"] = github
        self.objects["secrets", "shop", "ci"] = secret({"token": TOKENS["GitHub"]})
        self._issuer, self._vendors = issuer, vendors

    def file(self, name: str, content: str) -> str:
        path = self._folder / name
        path.write_text(content)
        return str(path)

    def commands(self, config: Path) -> list[tuple[list[str], str]]:
        """Every verb that waits for anything, with its standard input."""
        keys = ("--jwks", f"{self._issuer.url}/keys", *PRIVATE)
        bundle = ("--ca-bundle", self.file("ca.pem", self._issuer.authority.pem))
        vendor = self.file("vendor.yaml", yaml.safe_dump(self._vendors.provider("GitHub")))
        cluster = ["--kubeconfig", str(config)]
        alone: list[tuple[list[str], str]] = [
            (["verify", "-", *keys, *bundle], self.tokens.signed),
            (["verify", "-", "--ask", "--provider", vendor], TOKENS["GitHub"]),
        ]
        verbs = [
            ["verify", "--secret", "shop/api#opaque"],
            ["get", "-n", "shop", "-o", "wide"],
            ["explain", "-n", "shop", "listed"],
            ["check", "-n", "shop", "listed"],
            ["wait", "-n", "shop", "deploy/checkout"],
            ["audit", "-n", "shop", "-o", "json"],
            ["audit", "-n", "shop", "--ask"],
            ["init", "deploy/checkout", "-n", "shop"],
            ["due", "-n", "shop"],
            ["providers", "-n", "shop"],
            ["hosts"],
            ["rbac"],
            ["doctor"],
        ]
        return alone + [([*verb, *cluster], "") for verb in verbs]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Estate, dict[str, Any]]]:
    """What all commands said, by their arguments."""
    folder = tmp_path_factory.mktemp("commands")
    with (
        LoopThread(Issuer()) as issuer,
        LoopThread(Introspector()) as login,
        LoopThread(VendorApi()) as vendors,
    ):
        issuer.inner.rotate("k1")
        vendors.inner.lives[TOKENS["GitHub"]] = {}
        estate = Estate(folder, issuer.inner, login.inner, vendors.inner)
        with LoopThread(Judging(estate.objects)) as server:
            config = kubeconfig(folder, server.inner.url)
            says = f"{estate.tokens.all} {TOKENS['GitHub']}"
            done = subprocess.run(
                [sys.executable, "-m", "awaits.commands"],
                input=json.dumps({"commands": estate.commands(config), "says": says}),
                capture_output=True,
                text=True,
                check=False,
                env={
                    "PYTHONPATH": f"{CHECKOUT / 'operator'}:{CHECKOUT / 'tests'}",
                    "TOKENCHECK_AWAITS": os.environ.get("TOKENCHECK_AWAITS", ""),
                },
                timeout=300,
            )
        assert done.returncode == 0, done.stderr[-3000:]
        yield estate, json.loads(done.stdout) | {"": {"said": done.stderr}}


def test_no_command_prints_a_token_whatever_it_meets(told: tuple[Estate, dict[str, Any]]) -> None:
    estate, said = told
    sweep = Sweep([*estate.tokens.secrets, Secret("GitHub", TOKENS["GitHub"])])
    assert sweep.report({args: one["said"] for args, one in said.items()}) == []


def test_an_error_that_nobody_foresaw_is_no_verdict(told: tuple[Estate, dict[str, Any]]) -> None:
    for args, one in told[1].items():
        assert "Traceback" not in one["said"], args
        for begin, ends in ENDS.items():
            if args.startswith(begin):
                assert {0, 3} <= set(one["codes"]) <= ends, (args, one["codes"])


def test_every_command_was_thrown_at(told: tuple[Estate, dict[str, Any]]) -> None:
    """Else the tests above would prove nothing."""
    for args, one in told[1].items():
        if args:
            assert len(one["codes"]) > 5, (args, one["codes"])
            assert {"clients.egress.client", "clients.kube.transport"} & set(one["modules"]), args
            if args.startswith(WAITING):
                assert "cli.watching" in one["modules"], args
            if "--ask" in args:
                assert "clients.egress.client" in one["modules"], args
