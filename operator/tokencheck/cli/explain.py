"""`tokencheck explain`: every finding of a TokenCheck, and what to do next."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from tokencheck.cli.connect import Target
from tokencheck.cli.document import results_of
from tokencheck.cli.exits import Exit
from tokencheck.cli.lookup import checks_of
from tokencheck.cli.moments import clock, moment_of
from tokencheck.cli.naming import named
from tokencheck.cli.options import cluster_options, namespace_option
from tokencheck.cli.output import Form, emit, output_option
from tokencheck.cli.reading import in_cluster, judge_now
from tokencheck.cli.screen import Screen
from tokencheck.cli.standing import document_of, exit_of_document, told
from tokencheck.clients.kube.transport import Transport

_WORST_FIRST = (Exit.FINDINGS, Exit.UNKNOWN, Exit.PASS)


@click.command(short_help="Show every finding of a TokenCheck and what to do next.")
@click.argument("name", metavar="NAME|deploy/NAME|pod/NAME")
@namespace_option
@click.option(
    "--at",
    metavar="TIME",
    help="Judge again, with your own rights, as of this moment: 2027-01-31T00:00:00Z or +14d.",
)
@click.option(
    "--operator-namespace",
    metavar="NAME",
    default="tokencheck-system",
    show_default=True,
    help="With --at: where the ConfigMaps with providers' keys are.",
)
@output_option(Form.TABLE, Form.JSON, Form.YAML)
@cluster_options
def command(
    *,
    name: str,
    namespace: str | None,
    at: str | None,
    operator_namespace: str,
    output: str,
    kubeconfig: str | None,
    context: str | None,
) -> int:
    """Show each token of a TokenCheck and every finding, with what to do next.

    A workload or a Pod stands for the TokenChecks that are about it. The exit code tells the worst
    verdict: 0 valid, 1 invalid, 3 unknown.
    """
    about, now = named(name), clock()
    moment = moment_of(at, now)

    async def read(transport: Transport, target: Target) -> list[dict[str, Any]]:
        checks = await checks_of(transport, namespace or target.namespace, about)
        if at is None:
            return [document_of(check) for check in checks]
        return [
            await _judged(transport, check, moment, own_namespace=operator_namespace)
            for check in checks
        ]

    return show(in_cluster(kubeconfig, context, read), output, now)


def show(documents: list[dict[str, Any]], output: str, now: datetime) -> Exit:
    """Print the documents of TokenChecks, and return the exit code of the worst."""
    whole = documents[0] if len(documents) == 1 else {"items": documents}

    def lines(_: Mapping[str, Any], screen: Screen) -> list[str]:
        parts: list[str] = []
        for document in documents:
            parts += [*([""] if parts else []), *told(document, now, screen)]
        return parts

    emit(whole, output, lines)
    codes = {exit_of_document(document) for document in documents}
    return next(code for code in _WORST_FIRST if code in codes)


async def _judged(
    transport: Transport, check: Mapping[str, Any], moment: datetime, *, own_namespace: str
) -> dict[str, Any]:
    judged = await judge_now(transport, check, moment, own_namespace=own_namespace)
    for unread in judged.unread:
        click.echo(
            f"{unread.what} could not be read with your rights, so nothing that it vouches for can"
            " be told.",
            err=True,
        )
    document = document_of(check)
    for kept in ("verdict", "summary", "tokens", "findings", "omitted"):
        document.pop(kept, None)
    return document | results_of(judged.assessment, moment)
