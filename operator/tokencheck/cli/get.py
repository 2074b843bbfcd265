"""`tokencheck get`: TokenChecks as a table."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from tokencheck.api.quantity import parse_time
from tokencheck.cli.connect import Target
from tokencheck.cli.exits import Exit
from tokencheck.cli.lookup import all_checks, one_check
from tokencheck.cli.moments import age, aged, clock, relative
from tokencheck.cli.options import cluster_options, namespace_option
from tokencheck.cli.output import Form, emit, output_option
from tokencheck.cli.reading import in_cluster
from tokencheck.cli.screen import Screen, table
from tokencheck.cli.standing import condition_of
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import UsageError

_TITLES = ("NAMESPACE", "NAME", "READY", "REASON", "CHECKS", "EXPIRES", "AGE")
_WIDE = ("WORKLOAD", "REVISION", "MESSAGE")
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@click.command(short_help="Show TokenChecks as a table.")
@click.argument("name", required=False)
@namespace_option
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="All namespaces.")
@output_option(Form.TABLE, Form.WIDE, Form.JSON, Form.YAML)
@cluster_options
def command(
    *,
    name: str | None,
    namespace: str | None,
    everywhere: bool,
    output: str,
    kubeconfig: str | None,
    context: str | None,
) -> int:
    """Show TokenChecks: all of a namespace, all of the cluster (-A), or the one called NAME."""
    if everywhere and (name or namespace):
        raise UsageError("-A shows all namespaces: leave out NAME and -n, or leave out -A.")
    now = clock()

    async def read(transport: Transport, target: Target) -> tuple[str, list[Mapping[str, Any]]]:
        where = "" if everywhere else namespace or target.namespace
        if name is None:
            return where, await all_checks(transport, where)
        return where, [await one_check(transport, where, name)]

    where, checks = in_cluster(kubeconfig, context, read)
    if not checks and output in (Form.TABLE, Form.WIDE):
        click.echo(
            f"There are no TokenChecks {_in(where)}. Write one: tokencheck init deploy/NAME",
            err=True,
        )
        return Exit.PASS
    items = [_shown(check) for check in checks]
    whole = items[0] if name else {"apiVersion": "v1", "kind": "List", "items": items}
    wide = output == Form.WIDE
    emit(whole, output, lambda _, screen: _lines(items, now, screen, wide=wide))
    return Exit.PASS


def _in(namespace: str) -> str:
    return f"in namespace {namespace}" if namespace else "in any namespace"


def _shown(check: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object without what only machines keep in it."""
    meta = {k: v for k, v in check["metadata"].items() if k != "managedFields"}
    annotations = {k: v for k, v in meta.pop("annotations", {}).items() if k != _APPLIED}
    if annotations:
        meta["annotations"] = annotations
    shown: dict[str, Any] = json.loads(json.dumps({**check, "metadata": meta}))
    return shown


def _lines(checks: list[dict[str, Any]], now: datetime, screen: Screen, *, wide: bool) -> list[str]:
    titles = _TITLES + _WIDE if wide else _TITLES
    rows = [_row(check, now, wide=wide) for check in checks]
    return table(titles, rows, screen, loose=True)


def _row(check: Mapping[str, Any], now: datetime, *, wide: bool) -> tuple[str, ...]:
    meta, status = check["metadata"], check.get("status") or {}
    ready = condition_of(check, "Ready")
    told = ready or condition_of(check, "Suspended")
    state = ready.get("status", "-")
    row = (
        meta["namespace"],
        meta["name"],
        state,
        told.get("reason", "-"),
        status.get("checks", "-"),
        _expires(status.get("expirationTime"), now),
        age(meta.get("creationTimestamp"), now),
    )
    if not wide:
        return row
    rollout = status.get("rollout") or {}
    ref = (check.get("spec") or {}).get("workloadRef") or {}
    workload = f"{ref['kind']}/{ref['name']}" if "kind" in ref else "-"
    return (*row, workload, rollout.get("revision") or "-", aged(told.get("message", ""), now))


def _expires(text: str | None, now: datetime) -> str:
    moment = parse_time(text)
    return "-" if moment is None else f"{relative(moment, now)} ({text})"
