"""`tokencheck providers`: which TokenProviders the checks of a namespace may name, and for what."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from tokencheck.api.quantity import parse_time
from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.cli.connect import Target
from tokencheck.cli.exits import Exit
from tokencheck.cli.lookup import PROVIDER_KIND, all_providers
from tokencheck.cli.moments import clock, relative
from tokencheck.cli.options import cluster_options, namespace_option
from tokencheck.cli.output import Form, emit, output_option
from tokencheck.cli.reading import in_cluster
from tokencheck.cli.screen import Screen, table
from tokencheck.clients.kube.direct import DirectReads
from tokencheck.clients.kube.objects import get_object
from tokencheck.clients.kube.resources import is_name
from tokencheck.clients.kube.reviews import caller_name, review
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.hosts.offered import offered_of
from tokencheck.core.rights.commands import author_command
from tokencheck.core.rights.usable import Usable, usable, use_of
from tokencheck.model.errors import UsageError
from tokencheck.model.evidence import Absent, Denied, Failed, Unread
from tokencheck.model.keys import Key

_TITLES = ("PROVIDER", "READY", "REASON", "REACHABLE", "KEYS", "ISSUER")
_SHOWN = "TOKENS GO TO"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is known of one provider, and what follows.

    Args:
        provider: as it was read, or why it was not.
    """

    name: str
    provider: TokenProvider | Unread
    answer: Usable


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was asked about a namespace.

    Args:
        labels: of the namespace, or why they are not known.
        user: the caller; "" when the API server does not say.
    """

    namespace: str
    labels: Mapping[str, str] | Unread
    every: tuple[Asked, ...]
    user: str = ""


@click.command(short_help="List the TokenProviders that checks of a namespace may use.")
@click.argument("name", required=False)
@namespace_option
@output_option(Form.TABLE, Form.JSON, Form.YAML)
@cluster_options
def command(
    *,
    name: str | None,
    namespace: str | None,
    output: str,
    kubeconfig: str | None,
    context: str | None,
) -> int:
    """List the TokenProviders that TokenChecks of a namespace may name, written by you.

    A provider says in allowedNamespaces which namespaces it serves, and you need the right to `use`
    it. With NAME that one alone: exit code 0 it may be used, 1 it may not (which is said in the
    same words whether it exists or not), 3 it is not known.
    """
    if name is not None and not is_name(name):
        raise UsageError("No TokenProvider can have this name. Write it as `kubectl get` shows it.")
    now = clock()

    async def read(transport: Transport, target: Target) -> Found:
        return await _found(transport, namespace or target.namespace, name)

    found = in_cluster(kubeconfig, context, read)
    good = [
        asked.provider
        for asked in found.every
        if asked.answer is Usable.YES and isinstance(asked.provider, TokenProvider)
    ]
    if good or output != Form.TABLE:
        items = [offered_of(provider) for provider in good]
        document = {"namespace": found.namespace, "items": items}
        emit(document, output, lambda _, screen: _lines(items, now, screen))
    for line in _remarks(found) if name is None else _about(found):
        click.echo(line, err=True)
    if any(asked.answer is Usable.UNKNOWN for asked in found.every):
        return Exit.UNKNOWN
    return Exit.FINDINGS if name is not None and not good else Exit.PASS


async def _found(transport: Transport, namespace: str, name: str | None) -> Found:
    labels = await DirectReads(transport).namespace_labels(namespace)
    if isinstance(labels, Absent):
        raise UsageError(f"There is no namespace {namespace}. Name another with -n.")
    read: dict[str, TokenProvider | Unread] = {}
    if name is None:
        refused = (
            "You may not list tokenproviders. Ask for the right to list them, or name one:"
            f" tokencheck providers NAME -n {namespace}"
        )
        listed = map(parse_tokenprovider, await all_providers(transport, refused))
        read = {provider.name: provider for provider in listed}
    else:
        got = await get_object(transport, Key(PROVIDER_KIND, "", name))
        read = {name: got if isinstance(got, Unread) else parse_tokenprovider(got)}
    rights = await _use_of_each(transport, tuple(read))
    return Found(
        namespace=namespace,
        labels=labels,
        every=tuple(
            Asked(name=one, provider=what, answer=usable(what, labels, rights[one]))
            for one, what in read.items()
        ),
        user="" if name is None else await caller_name(transport),
    )


async def _use_of_each(transport: Transport, names: Sequence[str]) -> Mapping[str, bool | None]:
    """Return whether the caller may use each; who may use all is asked about once."""
    if (await review(transport, use_of())).allowed:
        return dict.fromkeys(names, True)
    reviews = await asyncio.gather(*(review(transport, use_of(name)) for name in names))
    return {name: one.allowed for name, one in zip(names, reviews, strict=True)}


def _remarks(found: Found) -> list[str]:
    """What a list does not say."""
    answers = {asked.answer for asked in found.every}
    if Usable.UNKNOWN in answers:
        told = f"Which others checks of namespace {found.namespace} may use is not known"
        return [f"{told}: {_unknown(found)}"]
    if Usable.YES not in answers:
        return [
            f"Checks of namespace {found.namespace} may use no TokenProvider when you write them."
            " Ask an admin for one; without it shape and dates of tokens are checked."
        ]
    return []


def _about(found: Found) -> list[str]:
    """What is said of one provider that may not be used, or of which that is not known."""
    (asked,) = found.every
    if asked.answer is Usable.NO:
        user = found.user or "NAME"
        command = author_command(found.namespace, user, f"--provider {asked.name}")
        return [
            f"TokenProvider {asked.name} cannot be used from namespace {found.namespace} when you"
            " write the TokenCheck. An admin allows it by the provider's allowedNamespaces, and"
            f" you by:\n{command}"
        ]
    if asked.answer is Usable.UNKNOWN:
        told = f"Whether TokenProvider {asked.name} can be used from namespace {found.namespace}"
        return [f"{told} is not known: {_unknown(found)}"]
    return []


def _unknown(found: Found) -> str:
    if any(isinstance(asked.provider, Denied) for asked in found.every):
        return "you may not get it. Ask for the right to get it."
    if isinstance(found.labels, Denied):
        return (
            f"you may not read the labels of the namespace. Ask for the right to get"
            f" Namespace {found.namespace}."
        )
    failed = any(isinstance(asked.provider, Failed) for asked in found.every)
    if failed or isinstance(found.labels, Failed):
        return "the API server did not answer. Try again."
    return "the API server does not say whether you may use it. Try again, or ask an admin."


def _lines(items: Sequence[Mapping[str, Any]], now: datetime, screen: Screen) -> list[str]:
    shown = any(_asked(item) for item in items)  # most providers see no token
    titles = (*_TITLES, _SHOWN) if shown else _TITLES
    rows = [_row(item, now)[: len(titles)] for item in items]
    return table(titles, rows, screen, loose=True)


def _row(item: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    return (
        item["name"],
        item["ready"],
        item.get("reason", "-"),
        _reached(item, now),
        _source(item.get("keys", {})),
        item.get("issuer", "-"),
        _shown_to(_asked(item)),
    )


def _asked(item: Mapping[str, Any]) -> Mapping[str, str]:
    """Return who is shown tokens; empty for nobody."""
    return item.get("introspection") or item.get("vendor") or {}


def _shown_to(asked: Mapping[str, str]) -> str:
    """Return the server that is shown tokens; the API server of the cluster has no address here."""
    return asked.get("host") or ("the API server" if asked else "-")


def _source(keys: Mapping[str, str]) -> str:
    return " ".join(keys[part] for part in ("type", "host", "name") if part in keys) or "-"


def _reached(item: Mapping[str, Any], now: datetime) -> str:
    """Return whether its servers answer, and when one last did."""
    if "host" not in item.get("keys", {}) and not _asked(item):
        return "-"  # nobody is asked
    if "reachable" not in item:
        return "not asked yet"
    times = [parse_time(item.get(name)) for name in ("lastReachableTime", "lastAnswerTime")]
    last = max((moment for moment in times if moment is not None), default=None)
    return f"{item['reachable']}, {relative(last, now) if last else 'never yet'}"
