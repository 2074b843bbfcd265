"""`tokencheck wait`: until this revision of the workload is verified, or say why not."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import click

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.api.tokencheck import WorkloadRef
from tokencheck.cli.check import duration_of, unanswered
from tokencheck.cli.connect import Target
from tokencheck.cli.exits import Exit
from tokencheck.cli.lookup import checks_of, live_workload
from tokencheck.cli.moments import aged, clock
from tokencheck.cli.naming import named
from tokencheck.cli.options import cluster_options, namespace_option
from tokencheck.cli.reading import in_cluster
from tokencheck.cli.verified import Answer, Live, answer_of
from tokencheck.cli.watching import versions_of
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.reasons import Reason

_WORST_FIRST = (Exit.FINDINGS, Exit.UNKNOWN, Exit.TIMED_OUT, Exit.PASS)


@click.command(short_help="Block until this revision of the workload is verified.")
@click.argument("name", metavar="NAME|deploy/NAME")
@namespace_option
@click.option(
    "--timeout", default="5m", metavar="DURATION", show_default=True, help="How long to wait."
)
@cluster_options
def command(
    *,
    name: str,
    namespace: str | None,
    timeout: str,
    kubeconfig: str | None,
    context: str | None,
) -> int:
    """Block until the workload's present revision runs with tokens that pass, or say why not.

    Right after an apply an old verdict never counts. Exit code 0: verified; 1: it will not be, and
    why; 2: there is no such TokenCheck; 4: not in time, and what it waits for. While somebody
    has opened the gate by break-glass it is 0 at once, and says by whom.
    """
    about, span = named(name), duration_of(timeout)

    async def run(transport: Transport, target: Target) -> list[Exit]:
        where = namespace or target.namespace
        checks = await checks_of(transport, where, about)
        waits = (_Wait(transport, check, timeout).run(span) for check in checks)
        return await asyncio.gather(*waits)

    codes = in_cluster(kubeconfig, context, run)
    return next(code for code in _WORST_FIRST if code in codes)


class _Wait:
    """Waits for one TokenCheck and tells each change of its answer."""

    def __init__(self, transport: Transport, check: Mapping[str, Any], timeout: str) -> None:
        self._transport = transport
        self._timeout = timeout
        parsed = parse_tokencheck(check)
        self._namespace, self._name = parsed.namespace, parsed.name
        self._ref: WorkloadRef | None = parsed.spec.workload
        self._last: Answer | None = None

    async def run(self, span: timedelta) -> Exit:
        """Return how it ended; the last line says why."""
        try:
            async with asyncio.timeout(span.total_seconds()):
                return await self._ended()
        except TimeoutError:
            last = self._last
            if last is None or last.reason == "Pending":
                click.echo(unanswered(self._namespace, self._name, self._timeout), err=True)
            else:
                text = f"{last.reason}: {self._aged(last.text)}"
                click.echo(f"{self}: not verified within {self._timeout}: {text}", err=True)
            return Exit.TIMED_OUT

    async def _ended(self) -> Exit:
        live = await self._live()
        versions = versions_of(self._transport, self._namespace, self._name)
        async with aclosing(versions) as checks:
            async for check in checks:
                if live is not None and live.uid != _uid_in(check):
                    live = await self._live()  # it came, or was made again, while we waited
                answer = answer_of(check, live)
                if answer.exit is Exit.PASS and self._ref is not None:
                    newest = await self._live()
                    if newest != live and newest is not None:
                        live = newest  # it moved on while we waited: the newest revision counts
                        answer = answer_of(check, live)
                if answer.exit is not None:
                    self._tell_end(answer)
                    return answer.exit
                self._tell(answer)
        raise AssertionError("a watch never ends by itself")

    async def _live(self) -> Live | None:
        if self._ref is None:
            return None
        uid, generation = await live_workload(self._transport, self._namespace, self._ref)
        return Live(uid=uid, generation=generation)

    def _tell(self, answer: Answer) -> None:
        if self._last is None or replace(answer, generation=self._last.generation) != self._last:
            click.echo(f"{self}: {answer.reason}: {self._aged(answer.text)}", err=True)
        self._last = answer

    def _tell_end(self, answer: Answer) -> None:
        if answer.exit is not Exit.PASS:
            click.echo(f"{self}: {answer.reason}: {self._aged(answer.text)}", err=True)
            return
        if answer.reason == Reason.BYPASSED:
            click.echo(f"{self}: not verified: {self._aged(answer.text)}")
            return
        what = ""
        if self._ref is not None:
            what = f": {self._ref.kind} {self._ref.name} generation {answer.generation}"
        click.echo(f"{self}: verified{what}")

    def _aged(self, text: str) -> str:
        return aged(text, clock())

    def __str__(self) -> str:
        return f"TokenCheck {self._namespace}/{self._name}"


def _uid_in(check: Mapping[str, Any]) -> str:
    return str(((check.get("status") or {}).get("rollout") or {}).get("uid", ""))
