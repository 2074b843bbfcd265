"""`tokencheck audit`: every token of a cluster, or of manifests, with the caller's rights."""

import gc
import os
import sys
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokencheck.cli.connect import target_of, transport_of
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
    "--at", metavar="TIME", help="Judge as of this moment, such as 2027-01-31T00:00:00Z or +14d."
)
@output_option("table", "wide", "json", "yaml", "junit")
@cluster_options
def command(
    *,
    all_namespaces: bool,
    namespaces: tuple[str, ...],
    files: tuple[Path, ...],
    at: str | None,
    output: str,
    kubeconfig: str | None,
    context: str | None,
) -> int:
    """Judge every token of a cluster, or of manifests, without operator and CRDs.

    What is read is read with your rights; what you may not read is named and never counted as
    fine. Exit codes: 0 nothing failed, 1 a token failed, 3 something could not be read or judged.
    """
    if all_namespaces and namespaces:
        raise UsageError("-A and -n exclude each other: give one of them.")
    if files and (all_namespaces or namespaces or kubeconfig or context):
        raise UsageError("-f audits files alone: leave out -A, -n, --kubeconfig and --context.")
    now = moment_of(at, clock())
    gc.set_threshold(_GC_THRESHOLD)
    with progress("Auditing") as tell:
        if files:
            report = _result_of(_of_files(files, now, tell))
        else:
            report = _result_of(_of_cluster(kubeconfig, context, namespaces, now, tell))
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


async def _of_cluster(
    kubeconfig: str | None,
    context: str | None,
    namespaces: tuple[str, ...],
    now: datetime,
    tell: "Tell",
) -> Report:
    from tokencheck.clients.kube.direct import DirectReads
    from tokencheck.clients.kube.reach import reach_of
    from tokencheck.clients.kube.snapshot import Snapshot
    from tokencheck.gather.once import sources_once
    from tokencheck.passes.audit import audit_pass

    transport = await transport_of(target_of(kubeconfig, context))
    try:
        reach = await reach_of(transport, namespaces)
        snapshot = Snapshot(transport, reach, DirectReads(transport))
        sources = sources_once(snapshot, os.urandom(_KEY_BYTES))
        return await audit_pass(snapshot, now, sources=sources, tell=tell)
    finally:
        await transport.close()


async def _of_files(files: tuple[Path, ...], now: datetime, tell: "Tell") -> Report:
    from tokencheck.clients.manifests import Manifests
    from tokencheck.gather.once import sources_once
    from tokencheck.passes.audit import audit_pass

    manifests = Manifests(objects_in(files))
    sources = sources_once(manifests, os.urandom(_KEY_BYTES))
    return await audit_pass(manifests, now, sources=sources, tell=tell, files=True)
