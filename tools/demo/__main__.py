"""``python -m demo``: what `make demo` runs."""

from __future__ import annotations

import os
import signal
import sys

import click

from controlplane import BuildError
from controlplane.process import StartError
from demo.cluster import Cluster, DemoError
from demo.shop import NAMESPACE
from demo.story import tell


@click.command()
@click.option("--keep", is_flag=True, help="Leave everything up and say how to end it.")
@click.option("--context", help="Use this context of your kubeconfig, not a control plane of ours.")
def main(*, keep: bool, context: str | None) -> None:
    """A shop with good and bad tokens, on a real API server, watched while it changes."""
    # A kubeconfig that the shell happens to export points at somebody's cluster.
    os.environ.pop("KUBECONFIG", None)
    for ended in (signal.SIGTERM, signal.SIGHUP):
        # Like Ctrl-C: whoever ends us, everything is taken down first.
        signal.signal(ended, signal.default_int_handler)
    try:
        with Cluster(context, keep=keep) as cluster:
            tell(cluster)
            _next(cluster, keep=keep)
    except (DemoError, BuildError, StartError, RuntimeError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Stopped; everything is taken down.", err=True)
        sys.exit(130)


def _next(cluster: Cluster, *, keep: bool) -> None:
    click.echo()
    if not keep:
        click.echo("All of it is taken down now. To look around yourself: make demo KEEP=1")
        click.echo("To check your own workloads: README.md, 'Five minutes to your first check'.")
        return
    options = f"{cluster.tokencheck_options} -n {NAMESPACE}"
    click.echo("It stays up. Try:")
    click.echo(f"  {cluster.kubectl_words} get tokenchecks -n {NAMESPACE}")
    click.echo(f"  .venv/bin/tokencheck explain refunds {options}")
    click.echo(f"  .venv/bin/tokencheck audit {options}")
    click.echo("and end it with:")
    for line in cluster.kept_words():
        click.echo(f"  {line}")


if __name__ == "__main__":
    main()
