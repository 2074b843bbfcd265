"""`tokencheck init`: write a TokenCheck from what a workload mounts."""

import os
import sys
from datetime import datetime
from pathlib import Path

import click

from tokencheck.api.tokencheck import WorkloadRef
from tokencheck.cli.connect import target_of, transport_to
from tokencheck.cli.exits import Exit
from tokencheck.cli.folders import objects_in
from tokencheck.cli.kinds import workload_named
from tokencheck.cli.moments import clock
from tokencheck.cli.options import cluster_options, namespace_option
from tokencheck.cli.waiting import awaited
from tokencheck.model.errors import ClusterError, UsageError
from tokencheck.model.evidence import Absent, Denied, Unread

_KEY_BYTES = 32


@click.command()
@click.argument("workload", metavar="KIND/NAME")
@namespace_option
@click.option(
    "-f",
    "--filename",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Read the workload and its Secrets from manifests: no cluster is asked.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this new file, not to standard output.",
)
@cluster_options
def command(
    *,
    workload: str,
    namespace: str | None,
    files: tuple[Path, ...],
    output: Path | None,
    kubeconfig: str | None,
    context: str | None,
) -> int:
    """Write a TokenCheck for KIND/NAME (deploy/checkout, sts/db, cronjob/report …).

    Every token that the workload mounts is listed with what its claims say today, as far as you
    may read it. Comments say what was found and what an admin has to see to.
    """
    ref = workload_named(workload)
    if output is not None and output.exists():
        raise UsageError(f"The file {output} exists. Name another one, or remove it first.")
    if files:
        draft = awaited(_from_files(ref, namespace or "default", files, clock()))
    else:
        draft = awaited(_from_cluster(ref, namespace, kubeconfig, context, clock()))
    if not isinstance(draft, str):
        raise _unread(draft)
    if output is None:
        sys.stdout.write(draft)
    else:
        _write(output, draft)
    return int(Exit.PASS)


def _write(output: Path, draft: str) -> None:
    try:
        output.write_text(draft)
    except OSError:
        raise UsageError(f"The file {output} cannot be written. Name another one.") from None
    click.echo(f"Wrote {output}. Look at it, then: kubectl apply -f {output}", err=True)


def _unread(why: Unread) -> Exception:
    match why:
        case Absent(what=what):
            return UsageError(f"{what} does not exist. Is -n, and --context, the right one?")
        case Denied(what=what):
            return ClusterError(
                f"You may not read {what}. Ask for the right to get it.", status=403
            )
        case _:
            return ClusterError(f"{why.what} could not be read. Try again.")


async def _from_files(
    ref: WorkloadRef, namespace: str, files: tuple[Path, ...], now: datetime
) -> str | Unread:
    from tokencheck.clients.manifests import Manifests
    from tokencheck.gather.once import sources_once
    from tokencheck.passes.draft import draft_pass

    manifests = Manifests(objects_in(files), namespace=namespace)
    sources = sources_once(manifests, os.urandom(_KEY_BYTES))
    found = await draft_pass(namespace, ref, now, sources=sources, providers=manifests.providers())
    if isinstance(found, str):
        return found
    raise UsageError(f"{found.what} is not among the files. Is -n the right namespace?")


async def _from_cluster(
    ref: WorkloadRef,
    namespace: str | None,
    kubeconfig: str | None,
    context: str | None,
    now: datetime,
) -> str | Unread:
    from tokencheck.api.tokenprovider import parse_tokenprovider
    from tokencheck.clients.kube.direct import DirectReads
    from tokencheck.clients.kube.objects import list_objects
    from tokencheck.gather.once import sources_once
    from tokencheck.passes.draft import draft_pass

    target = target_of(kubeconfig, context)
    async with transport_to(target) as transport:
        try:
            objects = await list_objects(transport, "TokenProvider")
        except ClusterError as error:
            if error.status not in (403, 404):
                raise
            objects = []  # not installed, or not for this caller to see: then none is named
        return await draft_pass(
            namespace or target.namespace,
            ref,
            now,
            sources=sources_once(DirectReads(transport), os.urandom(_KEY_BYTES)),
            providers=tuple(parse_tokenprovider(obj) for obj in objects),
        )
