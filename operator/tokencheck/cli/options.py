"""The options that every command with a cluster has."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def cluster_options(function: F) -> F:
    """Add --kubeconfig and --context."""
    path = click.Path(dir_okay=False)
    function = click.option("--context", help="Context of the kubeconfig.")(function)
    return click.option(
        "--kubeconfig",
        type=path,
        help="Kubeconfig file; by default $KUBECONFIG, ~/.kube/config, or the Pod's own account.",
    )(function)
