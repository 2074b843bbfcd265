"""`-o`: the same document as a table for people, or as JSON or YAML for programs."""

import json
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import click

from tokencheck.cli.screen import Screen

F = TypeVar("F", bound=Callable[..., Any])


class Form(StrEnum):
    """How a document is shown."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"


def output_option(*forms: str, about: str = "How to show it.") -> Callable[[F], F]:
    """Return the option -o with these forms, the first by default; `about` is its help."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice([str(form) for form in forms]),
        default=str(forms[0]),
        show_default=True,
        help=about,
    )


def emit(
    document: Mapping[str, Any], form: str, told: Callable[[Mapping[str, Any], Screen], list[str]]
) -> None:
    """Print `document` to standard output; `told` makes the lines for people."""
    if form == Form.JSON:
        click.echo(json.dumps(document, indent=2))
    elif form == Form.YAML:
        import yaml

        click.echo(yaml.safe_dump(dict(document), sort_keys=False, width=100), nl=False)
    else:
        screen = Screen.of(sys.stdout)
        click.echo("\n".join(told(document, screen)), color=screen.colour)
