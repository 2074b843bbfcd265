"""Judging with the caller's own rights: what the operator would say, and at another moment."""

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.cli.connect import Target, target_of, transport_to
from tokencheck.cli.waiting import awaited
from tokencheck.clients.kube.direct import DirectReads
from tokencheck.clients.kube.reach import unaccepted
from tokencheck.clients.kube.transport import Transport
from tokencheck.gather.once import sources_once
from tokencheck.gather.seen import see
from tokencheck.model.assessment import Assessment
from tokencheck.model.errors import UsageError
from tokencheck.model.evidence import Failed, SecretContent, Unread
from tokencheck.passes.assess import assess

T = TypeVar("T")
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An assessment made by this command.

    Args:
        unread: the TokenProviders that the caller may not read or that do not exist.
    """

    assessment: Assessment
    unread: tuple[Unread, ...]


def in_cluster(
    kubeconfig: str | None, context: str | None, run: Callable[[Transport, Target], Awaitable[T]]
) -> T:
    """Return what `run` returns, called with an open transport that is closed afterwards."""
    target = target_of(kubeconfig, context)

    async def connected() -> T:
        async with transport_to(target) as transport:
            return await run(transport, target)

    return awaited(connected())


def read_secret(
    namespace: str, name: str, *, kubeconfig: str | None, context: str | None
) -> SecretContent | Unread:
    """Return a Secret, read with the caller's rights."""

    async def read(transport: Transport, _: Target) -> SecretContent | Unread:
        found = await DirectReads(transport).secret(namespace, name)
        if isinstance(found, Failed) and (refused := unaccepted(transport)) is not None:
            raise refused
        return found

    return in_cluster(kubeconfig, context, read)


async def judge_now(
    transport: Transport, obj: Mapping[str, Any], moment: datetime, *, own_namespace: str
) -> Judged:
    """Return all tokens of a TokenCheck, read now and judged as of `moment`.

    Raises:
        UsageError: its spec contradicts itself, so that there is nothing to judge.
    """
    check = parse_tokencheck(obj)
    if check.invalid:
        raise UsageError(
            f"TokenCheck {check.namespace}/{check.name} is invalid:"
            f" {'; '.join(map(str, check.invalid))}"
        )
    inventory = DirectReads(transport)
    unread = await inventory.load_providers(t.provider for t in check.spec.tokens if t.provider)
    sources = sources_once(inventory, os.urandom(_KEY_BYTES), own_namespace)
    # Suspended checks are judged too: the caller asked.
    awake = replace(check, spec=replace(check.spec, suspend=False))
    seen = await see(awake, sources)
    return Judged(assessment=await assess(awake, seen, sources, moment), unread=unread)
