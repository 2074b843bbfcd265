"""The options that commands with a cluster share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


namespace_option = click.option(
    "-n", "--namespace", metavar="NAME", help="By default that of the kubeconfig's context."
)


def cluster_options(function: F) -> F:
    """Add --kubeconfig and --context."""
    context = click.option("--context", metavar="NAME", help="Context of the kubeconfig.")
    kubeconfig = click.option(
        "--kubeconfig",
        type=click.Path(dir_okay=False),
        help="Kubeconfig file; by default $KUBECONFIG, ~/.kube/config, or the Pod's own account.",
    )
    return kubeconfig(context(function))
