"""`tokencheck rbac`: the Roles that the present TokenChecks need, and those of their authors."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import click

from tokencheck.api.parse_tokencheck import parse_tokencheck
from tokencheck.cli.connect import Target, target_of
from tokencheck.cli.exits import Exit
from tokencheck.cli.lookup import ProvidersNeed, all_checks, needs_of_providers
from tokencheck.cli.options import cluster_options, namespace_option
from tokencheck.cli.output import output_option
from tokencheck.cli.reading import in_cluster
from tokencheck.clients.kube.direct import DirectReads
from tokencheck.clients.kube.resources import is_name
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.rights.roles import author_roles, secret_roles, subject_of, values_of
from tokencheck.gather.once import sources_once
from tokencheck.model.errors import UsageError
from tokencheck.model.evidence import Denied, Unread
from tokencheck.passes.needed import needed_pass

_KEY_BYTES = 32
_Read: TypeAlias = tuple[dict[str, set[str]], list[Unread], ProvidersNeed]


@click.group(invoke_without_command=True)
@click.option(
    "-n", "--namespace", "namespaces", multiple=True, metavar="NAME", help="Repeat for more."
)
@click.option(
    "--account",
    metavar="NS:NAME",
    default="tokencheck-system:tokencheck",
    show_default=True,
    help="ServiceAccount of the operator.",
)
@output_option(
    "roles", "values", about="Roles to apply, or values for the chart, which grant the same."
)
@cluster_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    namespaces: tuple[str, ...],
    account: str,
    output: str,
    kubeconfig: str | None,
    context: str | None,
) -> int:
    """Print the Roles with which the operator reads the Secrets of the present TokenChecks alone.

    All namespaces by default. A Secret is needed when a TokenCheck names it, or when its workload
    mounts it; in the operator's own namespace, when a TokenProvider names it as the operator's
    credentials. Where a TokenProvider is of type Kubernetes, the right to create TokenReviews is
    among it. The operator has to be told too (secrets.scope: named): `-o values` does both, with
    helm upgrade -f. Exit code 3: a workload could not be read, so that Secrets may be missing.

    \b
    tokencheck rbac | kubectl apply -f -
    tokencheck rbac author -n shop --user ann | kubectl apply -f -
    """  # noqa: D301 - click wants the control character itself
    if ctx.invoked_subcommand is not None:
        return Exit.PASS
    place, colon, name = account.partition(":")
    if not (colon and is_name(place) and is_name(name)):
        raise UsageError("--account is not NS:NAME. Write it like tokencheck-system:tokencheck")

    async def read(transport: Transport, _: Target) -> _Read:
        named, unread = await _needed(transport, namespaces)
        beside = await needs_of_providers(transport)
        if isinstance(beside, Denied):
            return named, [*unread, beside], ProvidersNeed()
        return named, unread, beside

    named, unread, beside = in_cluster(kubeconfig, context, read)
    credentials, reviews = beside.credentials, beside.token_reviews
    if not any(named.values()) and not credentials and not reviews:
        click.echo("No TokenCheck needs a Secret: there is nothing to grant.", err=True)
    elif output == "values":
        click.echo(_yaml([values_of(named, credentials, token_reviews=reviews)]), nl=False)
    else:
        roles = secret_roles(named, (place, name), credentials=credentials, token_reviews=reviews)
        click.echo(_yaml(roles), nl=False)
    for one in unread:
        click.echo(
            f"{one.what} could not be read: the Secrets that it names are not in the list.",
            err=True,
        )
    return Exit.UNKNOWN if unread else Exit.PASS


@command.command(name="author")
@namespace_option
@click.option("--user", metavar="NAME", help="Who shall write TokenChecks there.")
@click.option("--group", metavar="NAME", help="Or a group of people.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME",
    help="A Secret that they may name, and read. Repeat for more.",
)
@click.option(
    "--all-secrets",
    is_flag=True,
    help="Every Secret there: what the tokens of a workload are found with.",
)
@click.option(
    "--configmap",
    "config_maps",
    multiple=True,
    metavar="NAME",
    help="A ConfigMap whose keys they may name, and read. Repeat for more.",
)
@click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="NAME",
    help="A TokenProvider that they may name. Repeat for more.",
)
@cluster_options
def author(
    *,
    namespace: str | None,
    user: str | None,
    group: str | None,
    secrets: tuple[str, ...],
    all_secrets: bool,
    config_maps: tuple[str, ...],
    providers: tuple[str, ...],
    kubeconfig: str | None,
    context: str | None,
) -> int:
    """Print the Roles with which somebody writes TokenChecks in a namespace; no cluster is asked.

    Who has the role edit or admin there has them already, by the chart's rbac.aggregate, but for
    --provider. A TokenCheck shows what its tokens say of themselves, so it may name a Secret only
    when its author may get it or create Pods; so a ConfigMap with keys.
    """
    if (user is None) == (group is None):
        raise UsageError("Say for whom: --user NAME or --group NAME.")
    where = namespace or target_of(kubeconfig, context).namespace
    if not is_name(where):
        raise UsageError("-n is no name of a namespace.")
    given = {"--secret": secrets, "--configmap": config_maps, "--provider": providers}
    for option, names in given.items():
        if not all(map(is_name, names)):
            raise UsageError(f"{option} is no name. Write it as `kubectl get` shows it.")
    subject = subject_of("User", user) if user else subject_of("Group", group or "")
    roles = author_roles(
        where,
        subject,
        secrets=secrets,
        all_secrets=all_secrets,
        config_maps=config_maps,
        providers=providers,
    )
    click.echo(_yaml(roles), nl=False)
    return Exit.PASS


async def _needed(
    transport: Transport, namespaces: tuple[str, ...]
) -> tuple[dict[str, set[str]], list[Unread]]:
    """Return the Secrets by namespace, and the workloads that could not be read."""
    named: dict[str, set[str]] = {}
    unread: list[Unread] = []
    sources = sources_once(DirectReads(transport), os.urandom(_KEY_BYTES))
    for place in dict.fromkeys(namespaces or ("",)):
        for obj in await all_checks(transport, place):
            check = parse_tokencheck(obj)
            needed = await needed_pass(check, sources)
            named.setdefault(check.namespace, set()).update(needed.secrets)
            unread += [needed.unread] if needed.unread else []
    return named, unread


def _yaml(manifests: Sequence[Mapping[str, Any]]) -> str:
    import yaml

    return yaml.safe_dump_all(manifests, sort_keys=False, explicit_start=len(manifests) > 1)
