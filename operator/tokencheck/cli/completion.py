"""`tokencheck completion`."""

import click

from tokencheck.cli.exits import Exit


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print a completion script for SHELL; for bash: source <(tokencheck completion bash)."""
    from click.shell_completion import get_completion_class

    from tokencheck.cli.main import root

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(root, {}, "tokencheck", "_TOKENCHECK_COMPLETE").source())
    return Exit.PASS
