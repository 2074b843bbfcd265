"""`audit --ask`: what would be shown to whom is said first, on standard error, and agreed to."""

import sys
from collections.abc import Sequence
from datetime import datetime

import click

from tokencheck.clients.egress.client import Egress
from tokencheck.core.checks.words import shown
from tokencheck.gather.showing import Planned, Showing
from tokencheck.model.errors import UsageError


def agreed(planned: Sequence[Planned]) -> bool:
    """Return whether tokens are to be shown; on a terminal its user has said so.

    Whoever reads from a pipe and gives --ask has said so with it.
    """
    if not planned:
        click.echo("--ask: no token is one of a vendor that can be asked from here.", err=True)
        return False
    click.echo("--ask shows each of these tokens once to its vendor, from where you are:", err=True)
    for one in planned:
        what = "1 token" if one.tokens == 1 else f"{one.tokens} tokens"
        place = f"{shown(one.vendor)} at {shown(one.place)}"
        click.echo(f"  {what} to {place} (TokenProvider {shown(one.provider)})", err=True)
    if not sys.stdin.isatty():
        return True
    if not sys.stderr.isatty():
        raise UsageError(
            "--ask waits for your yes, and you cannot see the question: do not redirect standard"
            " error, or say yes beforehand with 'echo y | tokencheck audit --ask ...'"
        )
    return click.confirm("Show them?", err=True)


async def shown_to_vendors(showing: Showing, now: datetime) -> None:
    """Show the tokens that are planned to their vendors and keep what these say."""
    await showing.ask(Egress(), now)
