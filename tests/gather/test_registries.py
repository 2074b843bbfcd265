"""What a registry is shown of a pull Secret: the login of its own entry, and nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gather.test_discover import secret_with
from gather.test_introspector import Bench
from registryapi import HOST, PASSWORD, SCOPE, USER, RegistryApi, entry
from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import SecretKeyRef, TokenSpec
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.clients.manifests import Manifests
from tokencheck.core.checks.active import check_active, foreign
from tokencheck.core.tokens.documents import select
from tokencheck.core.tokens.read import read_token
from tokencheck.gather.held import Reading, listed
from tokencheck.gather.matched import matched
from tokencheck.gather.memory import Recollection
from tokencheck.gather.once import NoInterest
from tokencheck.gather.sources import Sources
from tokencheck.gather.trust import trust_of
from tokencheck.model.activity import ActivityState
from tokencheck.model.evidence import Held, TokenEvidence
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import Trust

AUTH = f'auths["{HOST}"].auth'


class Registry:
    """One registry, and an operator that asks it about what a TokenCheck lists."""

    def __init__(self, api: RegistryApi) -> None:
        self.api = api
        self.manifest = api.provider("registry", scope=SCOPE)
        self.bench = Bench(self.manifest)

    @property
    def sources(self) -> Sources:
        return Sources(
            inventory=Manifests([self.manifest]),
            memory=Recollection(),
            interest=NoInterest(),
            own_namespace="",
            fingerprint_key=b"k" * 32,
            liveness=self.bench.asking,
        )

    async def looks(self, document: dict[str, Any], field: str = AUTH) -> TokenEvidence:
        """The evidence once whatever was to be asked is answered."""
        await self._evidence(document, field)
        await self.bench.quiet()
        return await self._evidence(document, field)

    async def _evidence(self, document: dict[str, Any], field: str) -> TokenEvidence:
        token = {"name": "a", "secretKeyRef": {"name": "pull", "key": "config"}, "field": field}
        token |= {"providerRef": {"name": "registry"}}
        meta = {"name": "checkout", "namespace": "shop", "uid": "u", "generation": 1}
        check = parse_tokencheck({"metadata": meta, "spec": {"tokens": [token]}})
        sources = self.sources
        secret = secret_with(config=json.dumps(document).encode())
        reading = Reading(
            check=check, secrets={"pull": secret}, pods=(), sources=sources, now=self.bench.now
        )
        (spec,) = check.spec.tokens
        trust = await trust_of("shop", spec, sources, self.bench.now)
        return await listed(reading, spec, (), trust)


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    async with RegistryApi() as api:
        api.users[USER] = PASSWORD
        yield Registry(api)


def lives(token: TokenEvidence) -> bool:
    assert token.activity is not None
    assert token.activity.state is ActivityState.KNOWN
    assert token.activity.answer is not None
    return token.activity.answer.active


@pytest.mark.parametrize("field", [AUTH, f'auths["{HOST}"].password'])
async def test_a_login_is_asked_about_by_either_of_its_forms(
    registry: Registry, field: str
) -> None:
    assert lives(await registry.looks(entry(), field))


@pytest.mark.parametrize(("before", "after"), [("", "\n"), (" ", "")])
async def test_a_login_is_shown_with_the_white_space_with_which_the_kubelet_shows_it(
    registry: Registry, before: str, after: str
) -> None:
    """A password that was written by echo is another one."""
    document = entry(user=before + USER, password=PASSWORD + after)
    assert not lives(await registry.looks(document))
    registry.api.users[before + USER] = PASSWORD + after
    registry.bench.now += timedelta(hours=1)
    assert lives(await registry.looks(document))


async def test_one_password_of_two_users_is_two_logins(registry: Registry) -> None:
    assert lives(await registry.looks(entry()))
    assert not lives(await registry.looks(entry(user="another")))
    assert lives(await registry.looks(entry()))
    assert registry.api.asked.count((USER, "")) == registry.api.asked.count(("another", "")) == 1


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (entry(host="other.example.com"), 'auths["other.example.com"].auth'),
        (entry(host=f"{HOST}:5000"), f'auths["{HOST}:5000"].auth'),
        (entry(host="*.example.com"), 'auths["*.example.com"].auth'),
        ({"auths": {HOST: {"identitytoken": PASSWORD}}}, f'auths["{HOST}"].identitytoken'),
        ({"auths": {HOST: {"password": PASSWORD}}}, f'auths["{HOST}"].password'),
        ({"token": PASSWORD}, "token"),
    ],
    ids=["another host", "another port", "a pattern", "no password", "no user", "no entry"],
)
async def test_what_is_no_login_of_the_registry_is_shown_to_nobody(
    registry: Registry, document: dict[str, Any], field: str
) -> None:
    token = await registry.looks(document, field)
    assert foreign(token)
    assert token.activity is not None
    assert token.activity.state is ActivityState.NOT_SENT
    (finding,) = check_active(token, parse_tokencheck({}).spec.policy, registry.bench.now)
    if "identitytoken" not in field:
        assert f"it is no login of the registry {HOST}" in finding.message
    assert registry.api.connections == 0


async def test_a_refresh_token_is_shown_to_nobody_and_told_what_a_kubelet_reads(
    registry: Registry,
) -> None:
    document = {"auths": {HOST: {"identitytoken": PASSWORD}}}
    token = await registry.looks(document, f'auths["{HOST}"].identitytoken')
    (finding,) = check_active(token, parse_tokencheck({}).spec.policy, registry.bench.now)
    assert "an identitytoken is shown to nobody" in finding.message
    assert f"have USER:PASSWORD in {AUTH}" in finding.action
    assert registry.api.connections == 0


class Matching(Manifests):
    """Of manifests, with the providers that match as an operator has them."""

    def matching(self, kind: str) -> tuple[TokenProvider, ...]:
        return tuple(one for one in self.providers() if kind in one.match)


async def test_a_password_without_a_user_is_left_to_the_vendor_whose_token_it_is(
    registry: Registry,
) -> None:
    """The registry comes first by its name, and has nothing to be asked."""
    registry.bench.enforced = {}  # the vendor is not to be asked either
    match = {"allowedNamespaces": {"all": True}, "match": {"kinds": ["HuggingFace"]}}
    vendor = {"kind": "TokenProvider", "metadata": {"name": "vendor"}}
    vendor["spec"] = match | {"vendor": {"type": "HuggingFace"}}
    first = registry.api.provider("registry", match={"kinds": ["Registry"]})
    value = Sealed(json.dumps({"auths": {HOST: {"password": "hf_" + "aB3" * 11 + "x"}}}).encode())
    field = f'auths["{HOST}"].password'
    sources = replace(registry.sources, inventory=Matching([first, vendor]))
    text = select(value, field)
    assert isinstance(text, Sealed)
    facts = read_token(text, Trust(), fingerprint_key=b"k" * 32)
    check = parse_tokencheck({"metadata": {"name": "checkout", "namespace": "shop"}})
    now = registry.bench.now
    reading = Reading(check=check, secrets={}, pods=(), sources=sources, now=now)
    spec = TokenSpec(name="pull/config", source=SecretKeyRef(name="pull", key="config"))
    held = Held(facts=facts, secret=secret_with(config=b"").meta)
    token = await matched(
        reading, TokenEvidence(spec=spec, source="Secret shop/pull", holding=held), value, field
    )
    assert token.trust.provider == "vendor"
