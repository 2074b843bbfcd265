"""`tokencheck` and `kubectl tokencheck`: the table of verbs, each loaded when it is called."""

import gc
import importlib
import sys
from collections.abc import Mapping

import click

from tokencheck import __version__
from tokencheck.cli.exits import Exit
from tokencheck.model.errors import TokencheckError, UsageError, place_of

# verb -> (module, what it does): the help of all verbs must not import any of them
VERBS: Mapping[str, tuple[str, str]] = {
    "init": ("init", "Write a TokenCheck from what a workload mounts."),
    "get": ("get", "Show TokenChecks as a table."),
    "explain": ("explain", "Show every finding of a TokenCheck and what to do next."),
    "check": ("check", "Run a TokenCheck now, wait, and show its result."),
    "wait": ("wait", "Block until this revision of the workload is verified, or say why not."),
    "verify": ("verify", "Judge one token from a file, standard input or a Secret."),
    "audit": ("audit", "Judge every token of a cluster, without operator and CRDs."),
    "due": ("due", "List tokens by owner and by when they end."),
    "providers": ("providers", "List the TokenProviders that checks of a namespace may use."),
    "hosts": ("hosts", "List every server that the operator may dial."),
    "rbac": ("rbac", "Print the Roles that the present TokenChecks need."),
    "doctor": ("doctor", "Say how the installation stands and what mends it."),
    "operator": ("operator", "Run the operator."),
    "completion": ("completion", "Print a shell completion script."),
    "version": ("version", "Print the version."),
}
# Verbs that end before garbage counts: what they leave goes with the process. To look for it while
# modules are loaded, whose objects all stay, and at the end is a seventh of a cold start.
BRIEF = frozenset(("verify", "completion", "version"))


class Verbs(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the verbs in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command of the verb, imported now."""
        if cmd_name not in VERBS:
            raise UsageError(_unknown(cmd_name))
        if cmd_name in BRIEF:
            gc.disable()
        module = importlib.import_module(f"tokencheck.cli.{VERBS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])


def _unknown(verb: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(verb, VERBS, n=1)
    hint = f"Did you mean {close[0]}?" if close else "See tokencheck --help."
    return f"There is no command {verb!r}. {hint}"


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 pass, 1 findings, 2 usage or configuration, 3 unknown, 4 wait timed out.",
)
@click.version_option(__version__, message="tokencheck %(version)s")
def root() -> None:
    """Every expectation on every mounted API token, as a test that runs continuously."""


def _own_bug(error: BaseException) -> str:
    what = type(error).__name__
    return f"Error: a bug of tokencheck: {what} at {place_of(error)}. Please report this line."


def _uncatchable(told: "sys.UnraisableHookArgs") -> None:
    """Tell an error of a finalizer by its class: Python would print its text."""
    click.echo(f"Error: a bug of tokencheck: {told.exc_type.__name__} in a finalizer.", err=True)


def main() -> None:
    """Run the command line.

    The process ends with one of `Exit` and without a traceback, which shows what an error says. A
    bug is no verdict: its code is that of what is not known.
    """
    sys.unraisablehook = _uncatchable
    try:
        code = root.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.USAGE)
    except UsageError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(Exit.USAGE)
    except TokencheckError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(Exit.UNKNOWN)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - Python would print its text, and a token may stand in that
        click.echo(_own_bug(error), err=True)
        sys.exit(Exit.UNKNOWN)
    finally:
        if not gc.isenabled():
            # Nor does the interpreter look once more on its way out.
            gc.freeze()
    sys.exit(code if isinstance(code, int) else Exit.PASS)
