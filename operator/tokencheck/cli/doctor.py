"""`tokencheck doctor`: how the installation stands, and what mends it."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from tokencheck import __version__
from tokencheck.api import VERSION
from tokencheck.api.shipped import SHIPPED
from tokencheck.cli.connect import Target
from tokencheck.cli.exits import exit_of
from tokencheck.cli.lookup import ProvidersNeed, needs_of_providers
from tokencheck.cli.moments import clock
from tokencheck.cli.options import cluster_options
from tokencheck.cli.output import Form, emit, output_option
from tokencheck.cli.progress import progress
from tokencheck.cli.reading import in_cluster
from tokencheck.cli.screen import Screen, table
from tokencheck.clients.kube.examination import Examination
from tokencheck.clients.kube.page import page_at, require_address
from tokencheck.clients.kube.reviews import Reviewed, reviewed
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.doctor.diagnosis import Diagnosis, verdict_of_all
from tokencheck.core.doctor.examine import examine
from tokencheck.core.doctor.facts import Facts, Setup
from tokencheck.core.rights.commands import commands_for
from tokencheck.core.rights.needs import caller_needs, operator_needs
from tokencheck.model.errors import ClusterError
from tokencheck.model.evidence import Denied, Unread
from tokencheck.model.finding import Result
from tokencheck.model.lease import REPLICAS

_GOOD = (Result.PASS, Result.SKIP)


@click.command(short_help="Say how the installation stands and what mends it.")
@click.option(
    "--operator-namespace",
    metavar="NAME",
    default="tokencheck-system",
    show_default=True,
    help="Where the operator is looked for when you may not see all namespaces.",
)
@click.option(
    "--url",
    metavar="URL",
    help="Ask the operator at this address too, such as http://127.0.0.1:8080.",
)
@output_option(Form.TABLE, Form.JSON, Form.YAML)
@cluster_options
def command(
    *,
    operator_namespace: str,
    url: str | None,
    output: str,
    kubeconfig: str | None,
    context: str | None,
) -> int:
    """Say how the installation stands: CRDs, rights, admission, operator, clocks, queue, statuses.

    Each finding says what it means and which command mends it. Nothing is changed. Exit codes: 0
    all is well, 1 something is wrong, 3 something could not be looked at.
    """
    if url is not None:
        require_address(url)

    async def read(transport: Transport, _: Target) -> Facts:
        return await facts_of(transport, operator_namespace, url)

    with progress("Looking"):
        facts = in_cluster(kubeconfig, context, read)
    found = examine(facts, SHIPPED, VERSION, commands_for)
    verdict = verdict_of_all(found)
    document = {"verdict": str(verdict), "findings": [_item(one) for one in found]}
    emit(document, output, lambda _, screen: _lines(found, screen))
    return exit_of(verdict)


async def facts_of(transport: Transport, namespace: str, url: str | None) -> Facts:
    """Return all that is looked at; only an API server that does not answer raises ClusterError."""
    look = Examination(transport, clock)
    server = await look.server()
    setups = await look.setups(namespace)
    known = () if isinstance(setups, Unread) else setups
    checks = await look.checks()
    places = () if isinstance(checks, Unread) else (check.namespace for check in checks)
    return Facts(
        version=__version__,
        server=server,
        crds=await look.crds(SHIPPED),
        caller=await reviewed(transport, caller_needs()),
        setups=setups,
        replicas=await look.replicas(known),
        leases=await look.leases(known[0].namespace if known else namespace),
        operator=await _operator_reviews(transport, known),
        checks=checks,
        admission=await look.admission(places, known),
        providers=await look.providers(),
        cluster_checks=await look.cluster_checks(),
        page=None if url is None else await page_at(url, look.now),
    )


async def _operator_reviews(transport: Transport, setups: Sequence[Setup]) -> tuple[Reviewed, ...]:
    if not setups:
        return ()
    setup = setups[0]
    beside = await _beside(transport)
    leases = (*setup.leases, REPLICAS) if len(setup.leases) > 1 else setup.leases
    needs = operator_needs(
        setup.scope,
        setup.namespaces,
        setup.named,
        home=setup.namespace,
        leases=leases,
        credentials=beside.credentials,
        token_reviews=beside.token_reviews,
        cluster_checks=setup.cluster_checks,
    )
    return await reviewed(transport, needs, setup.user)


async def _beside(transport: Transport) -> ProvidersNeed:
    """Return nothing where TokenProviders cannot be listed: that is a finding of its own."""
    try:
        found = await needs_of_providers(transport)
    except ClusterError:
        return ProvidersNeed()
    return ProvidersNeed() if isinstance(found, Denied) else found


def _item(one: Diagnosis) -> dict[str, Any]:
    item = {
        "area": str(one.area),
        "result": str(one.result),
        "message": one.said,
        "meaning": one.means,
        "commands": list(one.mend),
    }
    return {name: value for name, value in item.items() if value}


def _lines(found: Sequence[Diagnosis], screen: Screen) -> list[str]:
    """Return a row for each finding, and on a terminal what to do about the bad ones below."""
    if screen.width is None:
        titles = ("RESULT", "AREA", "FINDING", "MEANING", "COMMANDS")
        wide = [(str(d.result), str(d.area), d.said, d.means, " && ".join(d.mend)) for d in found]
        return table(titles, wide, screen)
    rows = [(str(one.result), str(one.area), _sentence(one.said)) for one in found]
    lines = table(("RESULT", "AREA", "FINDING"), rows, screen, loose=True)
    bad = [one for one in found if one.result not in _GOOD and (one.means or one.mend)]
    for number, one in enumerate(bad, 1):
        lines += ["", *_advice(number, one, screen)]
    return [*lines, "", _end(found)]


def _advice(number: int, one: Diagnosis, screen: Screen) -> list[str]:
    """Return what a finding means, and its commands unwrapped, so that they can be copied."""
    head = f"{number}. {screen.painted(str(one.result))}: "
    said, *more = screen.wrapped(_sentence(one.said), len(f"{number}. {one.result}: "))
    lines = [head + said, *(f"   {part}" for part in more)]
    lines += [f"   {part}" for part in screen.wrapped(_sentence(one.means), 3) if part]
    return lines + [f"     {screen.strong(command)}" for command in one.mend]


def _sentence(text: str) -> str:
    """Return the text as a sentence; a name or an address at its begin stays as it is."""
    if text.partition(" ")[0].isalpha():
        text = text[0].upper() + text[1:]
    return f"{text}." if text else ""


def _end(found: Sequence[Diagnosis]) -> str:
    counts: Mapping[Result, int] = {r: sum(one.result is r for one in found) for r in Result}
    words = (
        (Result.PASS, "well"),
        (Result.FAIL, "wrong"),
        (Result.WARN, "to look at"),
        (Result.UNKNOWN, "not known"),
    )
    told = [f"{counts[result]} {word}" for result, word in words if counts[result]]
    return f"Findings: {', '.join(told)}."
