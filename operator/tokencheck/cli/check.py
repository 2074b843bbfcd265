"""`tokencheck check`: run a TokenCheck now, wait for the answer, show it."""

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

import click

from tokencheck.api.quantity import format_time, parse_duration
from tokencheck.api.tokencheck import ANNOTATION_CHECK_NOW
from tokencheck.cli.connect import Target
from tokencheck.cli.exits import Exit
from tokencheck.cli.explain import show
from tokencheck.cli.moments import clock
from tokencheck.cli.naming import CHECK_KIND, named
from tokencheck.cli.options import cluster_options, namespace_option
from tokencheck.cli.output import Form, output_option
from tokencheck.cli.reading import in_cluster
from tokencheck.cli.standing import document_of
from tokencheck.cli.watching import versions_of
from tokencheck.clients.kube.resources import TOKEN_CHECKS
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError, UsageError


@click.command(short_help="Run a TokenCheck now, wait, and show its result.")
@click.argument("name")
@namespace_option
@click.option(
    "--timeout", default="30s", metavar="DURATION", show_default=True, help="How long to wait."
)
@output_option(Form.TABLE, Form.JSON, Form.YAML)
@cluster_options
def command(
    *,
    name: str,
    namespace: str | None,
    timeout: str,
    output: str,
    kubeconfig: str | None,
    context: str | None,
) -> int:
    """Ask the operator to run a TokenCheck now, wait for it, and show what it found.

    The request is an annotation (tokencheck.dev/check-now), so you need the right to patch the
    TokenCheck. Exit code 4: no answer in time.
    """
    about, span = named(name), duration_of(timeout)
    if about.kind != CHECK_KIND:
        raise UsageError("check runs one TokenCheck: give its name. List them: tokencheck get")
    request = f"{format_time(clock())}-{secrets.token_hex(4)}"

    async def ask(transport: Transport, target: Target) -> tuple[str, Mapping[str, Any] | None]:
        where = namespace or target.namespace
        await _request(transport, where, about.name, request)
        return where, await _answer(transport, where, about.name, request, span)

    where, check = in_cluster(kubeconfig, context, ask)
    if check is None:
        click.echo(unanswered(where, about.name, timeout), err=True)
        return Exit.TIMED_OUT
    now: datetime = clock()
    return show([document_of(check)], output, now)


def duration_of(text: str) -> timedelta:
    """Return the duration of an option --timeout.

    Raises:
        UsageError: it is none.
    """
    span = parse_duration(text)
    if span is None:
        raise UsageError("--timeout is no duration: write 30s, 5m or 1h30m")
    return span


def unanswered(namespace: str, name: str, timeout: str) -> str:
    """Return what to look at when the operator does not answer."""
    return (
        f"The operator did not look at TokenCheck {namespace}/{name} within {timeout}. Is it"
        " running, and does it see this namespace? Look at: kubectl get pods -A -l"
        " app.kubernetes.io/name=tokencheck"
    )


async def _request(transport: Transport, namespace: str, name: str, request: str) -> None:
    path = TOKEN_CHECKS.path(namespace, name)
    if path is None:
        raise UsageError(f"There can be no TokenCheck {namespace}/{name}: correct the name.")
    answer = await transport.patch(
        path, {"metadata": {"annotations": {ANNOTATION_CHECK_NOW: request}}}
    )
    match answer.status:
        case 200:
            return
        case 404:
            raise UsageError(
                f"There is no TokenCheck {namespace}/{name}. List them: tokencheck get"
                f" -n {namespace}"
            )
        case 403:
            raise ClusterError(
                f"You may not patch tokenchecks in namespace {namespace}, which sets the annotation"
                f" {ANNOTATION_CHECK_NOW}. Ask for the right; explain needs only to get them.",
                status=answer.status,
            )
        case status:
            raise ClusterError(
                f"The API server refused the request to check now: HTTP {status}.", status=status
            )


async def _answer(
    transport: Transport, namespace: str, name: str, request: str, span: timedelta
) -> Mapping[str, Any] | None:
    """Return the TokenCheck once its status answers the request; None when time is over."""
    try:
        async with asyncio.timeout(span.total_seconds()):
            async with aclosing(versions_of(transport, namespace, name)) as versions:
                async for check in versions:
                    if (check.get("status") or {}).get("lastHandledCheckNow") == request:
                        return check
    except TimeoutError:
        pass
    return None
