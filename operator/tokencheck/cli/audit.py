"""`tokencheck audit`: every token of a cluster, or of manifests, with the caller's rights."""

import gc
import os
import sys
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from tokencheck.cli.connect import target_of, transport_to
from tokencheck.cli.exits import exit_of
from tokencheck.cli.folders import objects_in
from tokencheck.cli.moments import clock, moment_of
from tokencheck.cli.options import cluster_options
from tokencheck.cli.output import output_option
from tokencheck.cli.progress import progress
from tokencheck.cli.screen import Screen
from tokencheck.cli.waiting import awaited
from tokencheck.model.errors import UsageError
from tokencheck.model.finding import Result
from tokencheck.model.report import Report

if TYPE_CHECKING:
    from tokencheck.gather.showing import Showing
    from tokencheck.passes.audit import Tell

_KEY_BYTES = 32
# Hardly anything here is a cycle; looking for them all the time takes a tenth of the whole audit.
_GC_THRESHOLD = 200_000


@click.command()
@click.option("-A", "--all-namespaces", is_flag=True, help="The whole cluster; the default.")
@click.option(
    "-n",
    "--namespace",
    "namespaces",
    multiple=True,
    metavar="NAME",
    help="A namespace; repeat for more.",
)
@click.option(
    "-f",
    "--filename",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A YAML or JSON file or folder of manifests (- for standard input): no cluster is asked.",
)
@click.option(
    "--ask",
    is_flag=True,
    help="Show tokens to the vendors of the cluster's TokenProviders, each once, and hear them.",
)
@click.option(
    "--at", metavar="TIME", help="Judge as of this moment, such as 2027-01-31T00:00:00Z or +14d."
)
@output_option("table", "wide", "json", "yaml", "junit")
@cluster_options
def command(
    *,
    all_namespaces: bool,
    namespaces: tuple[str, ...],
    files: tuple[Path, ...],
    ask: bool,
    at: str | None,
    output: str,
    kubeconfig: str | None,
    context: str | None,
) -> int:
    """Judge every token of a cluster, or of manifests, without operator and CRDs.

    What is read is read with your rights; what you may not read is named and never counted as
    fine. No token is shown to anybody but with --ask, which first says how many go where, and on a
    terminal waits for your yes. Exit codes: 0 nothing failed, 1 a token failed, 3 something could
    not be read or judged.
    """
    if all_namespaces and namespaces:
        raise UsageError("-A and -n exclude each other: give one of them.")
    if files and (all_namespaces or namespaces or kubeconfig or context):
        raise UsageError("-f audits files alone: leave out -A, -n, --kubeconfig and --context.")
    if files and ask:
        raise UsageError("--ask asks by the TokenProviders of a cluster: leave out -f.")
    now = moment_of(at, clock())
    gc.set_threshold(_GC_THRESHOLD)
    if files:
        with progress("Auditing") as tell:
            report = _result_of(_of_files(files, now, tell))
    else:
        report = _of_cluster(_Where(kubeconfig, context, namespaces), now, ask=ask)
    click.echo(text_of(report, output, Screen.of(sys.stdout)), nl=False)
    return int(exit_of(report.verdict))


def _result_of(audit: Coroutine[None, None, Report]) -> Report:
    """Return what `audit` returns.

    Its task returns nothing: at the end of a loop the task is written out as text and thrown
    away, which takes longer for a big result than any other single step.
    """
    reports: list[Report] = []

    async def kept() -> None:
        reports.append(await audit)

    awaited(kept())
    return reports[0]


def text_of(report: Report, output: str, screen: Screen) -> str:
    """Return the report in the form that was asked for."""
    if output == "junit":
        from tokencheck.core.formats.junit import junit_of

        return junit_of(report)
    if output in ("json", "yaml"):
        from tokencheck.core.formats.document import json_of, yaml_of

        return json_of(report) if output == "json" else yaml_of(report)
    from tokencheck.core.formats.table import table_of

    def paint(result: Result, text: str) -> str:
        return screen.painted(text, str(result))

    return table_of(report, wide=output == "wide", paint=paint)


class _Where(NamedTuple):
    kubeconfig: str | None
    context: str | None
    namespaces: tuple[str, ...]


def _of_cluster(where: _Where, now: datetime, *, ask: bool) -> Report:
    """Return the report; with `ask` the second one, for which the vendors were asked."""
    key = os.urandom(_KEY_BYTES)
    if not ask:
        return _audited(where, key, now)
    from tokencheck.cli.showing import agreed, shown_to_vendors
    from tokencheck.gather.showing import Showing

    showing = Showing()
    report = _audited(where, key, now, showing)
    if not agreed(showing.planned):
        return report
    awaited(shown_to_vendors(showing, clock()))
    return _audited(where, key, now, showing)


def _audited(where: _Where, key: bytes, now: datetime, showing: "Showing | None" = None) -> Report:
    with progress("Auditing") as tell:
        return _result_of(_once(where, key, now, tell, showing))


async def _once(
    where: _Where, key: bytes, now: datetime, tell: "Tell", showing: "Showing | None"
) -> Report:
    from tokencheck.clients.kube.direct import DirectReads
    from tokencheck.clients.kube.reach import reach_of
    from tokencheck.clients.kube.snapshot import Snapshot
    from tokencheck.gather.once import sources_once
    from tokencheck.passes.audit import audit_pass

    async with transport_to(target_of(where.kubeconfig, where.context)) as transport:
        reach = await reach_of(transport, where.namespaces)
        asks = showing is not None
        snapshot = Snapshot(transport, reach, DirectReads(transport), asks=asks)
        sources = sources_once(snapshot, key, liveness=showing)
        return await audit_pass(snapshot, now, sources=sources, tell=tell)


async def _of_files(files: tuple[Path, ...], now: datetime, tell: "Tell") -> Report:
    from tokencheck.clients.manifests import Manifests
    from tokencheck.gather.once import sources_once
    from tokencheck.passes.audit import audit_pass

    manifests = Manifests(objects_in(files))
    sources = sources_once(manifests, os.urandom(_KEY_BYTES))
    return await audit_pass(manifests, now, sources=sources, tell=tell, files=True)
