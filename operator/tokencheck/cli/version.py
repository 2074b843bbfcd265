"""`tokencheck version`."""

import click

from tokencheck import __version__


@click.command()
def command() -> None:
    """Print the version."""
    click.echo(f"tokencheck {__version__}")
