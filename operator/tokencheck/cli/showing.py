"""`audit --ask`: what would be shown to whom is said first, on standard error, and agreed to."""

import sys
from collections.abc import Sequence
from datetime import datetime

import click

from tokencheck.clients.egress.client import Egress
from tokencheck.core.checks.words import shown
from tokencheck.gather.showing import Planned, Showing


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
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    return click.confirm("Show them?", err=True)


async def shown_to_vendors(showing: Showing, now: datetime) -> None:
    """Show the tokens that are planned to their vendors and keep what these say."""
    await showing.ask(Egress(), now)
