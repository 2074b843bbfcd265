"""`tokencheck due`: which tokens end when, and whose they are."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from tokencheck.api.quantity import format_time, parse_duration
from tokencheck.cli.connect import Target
from tokencheck.cli.exits import Exit
from tokencheck.cli.lookup import Object, all_checks
from tokencheck.cli.moments import clock
from tokencheck.cli.options import cluster_options, namespace_option
from tokencheck.cli.output import Form, emit, output_option
from tokencheck.cli.reading import in_cluster
from tokencheck.cli.screen import Screen, table
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.audit.due import dues_of, omitted_of
from tokencheck.core.formats.due import calendar_of, markdown_of, told_end
from tokencheck.model.due import Due
from tokencheck.model.errors import UsageError

_FORMS = ["table", "markdown", "ics", "json", "yaml"]


@click.command()
@namespace_option
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="All namespaces.")
@click.option(
    "--within", metavar="DURATION", help="Only what ends within this time, such as 30d, or has."
)
@click.option("--owner", metavar="NAME", help="Only of this owner (tokencheck.dev/owner).")
@output_option(*_FORMS, about="How to show it; ics is a calendar with a reminder a week before.")
@cluster_options
def command(
    *,
    namespace: str | None,
    everywhere: bool,
    within: str | None,
    owner: str | None,
    output: str,
    kubeconfig: str | None,
    context: str | None,
) -> int:
    """List the tokens that TokenChecks look at, by owner and by when they end.

    The dates are those of the last verdicts; no Secret is read. Exit code 0 whatever is due.

    \b
    tokencheck due -A --within 30d -o markdown
    tokencheck due -A --owner team-pay -o ics > rotation.ics
    """  # noqa: D301 - click wants the control character itself
    if everywhere and namespace:
        raise UsageError("-A shows all namespaces: leave out -n, or leave out -A.")
    span = None if within is None else parse_duration(within)
    if within is not None and span is None:
        raise UsageError("--within is no duration: write 30d, 12h or 1d12h")
    now = clock()

    async def read(transport: Transport, target: Target) -> list[Object]:
        return await all_checks(transport, "" if everywhere else namespace or target.namespace)

    checks = in_cluster(kubeconfig, context, read)
    latest = None if span is None else now + span
    dues = [due for due in dues_of(checks) if _wanted(due, latest, owner)]
    _show(dues, output, now)
    if omitted := omitted_of(checks):
        click.echo(
            f"{omitted} tokens are not in the list: statuses had no room for them. Audit them:"
            " tokencheck audit",
            err=True,
        )
    return Exit.PASS


def _wanted(due: Due, latest: datetime | None, owner: str | None) -> bool:
    if owner is not None and due.owner != owner:
        return False
    return latest is None or (due.ends_at is not None and due.ends_at <= latest)


def _show(dues: Sequence[Due], output: str, now: datetime) -> None:
    if output == "ics":
        sys.stdout.buffer.write(calendar_of(dues, now).encode())  # its line ends are \r\n
    elif output == "markdown":
        click.echo(markdown_of(dues, now), nl=False)
    elif not dues and output == Form.TABLE:
        click.echo("Nothing is due.", err=True)
    else:
        document = {"items": [_item(due) for due in dues]}
        emit(document, output, lambda _, screen: _lines(dues, now, screen))


def _item(due: Due) -> dict[str, Any]:
    item = {
        "owner": due.owner,
        "namespace": due.namespace,
        "source": due.source,
        "checks": list(due.checks),
        "workloads": list(due.workloads),
        "expirationTime": format_time(due.ends_at) if due.ends_at else "",
    }
    return {name: value for name, value in item.items() if value}


def _lines(dues: Sequence[Due], now: datetime, screen: Screen) -> list[str]:
    titles = ("OWNER", "ENDS", "NAMESPACE", "USED BY", "TOKEN")
    rows = [
        (
            due.owner or "-",
            told_end(due, now),
            due.namespace,
            ", ".join(due.workloads) or "-",
            due.source,
        )
        for due in dues
    ]
    return table(titles, rows, screen)
