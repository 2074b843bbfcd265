"""`tokencheck hosts`: every server that TokenProviders have the operator dial."""

from collections.abc import Sequence
from typing import Any

import click

from tokencheck.api.tokenprovider import TokenProvider, parse_tokenprovider
from tokencheck.cli.connect import Target
from tokencheck.cli.exits import Exit
from tokencheck.cli.lookup import Object, all_providers
from tokencheck.cli.options import cluster_options
from tokencheck.cli.output import Form, emit, output_option
from tokencheck.cli.reading import in_cluster
from tokencheck.cli.screen import Screen, table
from tokencheck.clients.kube.transport import Transport
from tokencheck.clients.ranges import NEVER, PRIVATE, may_be_dialled
from tokencheck.core.hosts.dialled import Dialled, dialled, document_of, told_place
from tokencheck.core.hosts.egress import egress_of, values_of
from tokencheck.core.hosts.policies import cilium_policy_of, network_policy_of
from tokencheck.core.hosts.public import public_blocks

_VALUES, _POLICY, _CILIUM = "values", "networkpolicy", "ciliumnetworkpolicy"
_FORMS = ["table", "json", "yaml", _VALUES, _POLICY, _CILIUM]
_ABOUT = (
    "How to show it; values are those of the chart, for its NetworkPolicy. The policies are for who"
    " does not use that one."
)
_AGES = "# By the TokenProviders of this cluster; print it again when they change.\n"
_HEADS = {
    _POLICY: _AGES
    + "# It knows networks and ports, no names. The API server cannot be told from others: 443 and"
    " 6443\n# are open towards every address. It is for Pods of the chart, by the labels below.",
    _CILIUM: _AGES + "# Where DNS is not that of kube-system, write yours into the first rule.\n"
    "# A Service of the cluster (NAME.NAMESPACE.svc) is opened by its Pods: Cilium 1.17 or newer.",
}
_REFUSED = "You may not list tokenproviders. Ask for the right to list them in the whole cluster."


@click.command()
@output_option(*_FORMS, about=_ABOUT)
@cluster_options
def command(*, output: str, kubeconfig: str | None, context: str | None) -> int:
    """List every server that TokenProviders have the operator dial, and nobody is asked beside.

    With each what it is asked about: keys, or tokens, which are then sent to it; and the private
    networks that its name may lead to (public addresses need no listing). A NetworkPolicy knows
    addresses and ports and no names: `-o values` has those that these servers need, and
    `-o networkpolicy` is the whole policy of such values. `-o ciliumnetworkpolicy` names the hosts,
    for Cilium. No name is resolved for any of them: only the API server is asked. Exit code 1: a
    TokenProvider is invalid, so that nothing is asked for it.

    \b
    tokencheck hosts -o ciliumnetworkpolicy | kubectl apply -n tokencheck-system -f -
    tokencheck hosts -o values | helm upgrade tokencheck charts/tokencheck \\
      -n tokencheck-system --reset-then-reuse-values -f -
    """  # noqa: D301 - click wants the control character itself

    async def read(transport: Transport, _: Target) -> list[Object]:
        return await all_providers(transport, _REFUSED)

    providers = [parse_tokenprovider(obj) for obj in in_cluster(kubeconfig, context, read)]
    invalid = [provider for provider in providers if provider.invalid]
    found = [one for provider in providers if (one := dialled(provider)) is not None]
    _show(found, invalid, output)
    for provider in invalid:
        click.echo(
            f"TokenProvider {provider.name} is invalid, so nothing is asked for it and it is not in"
            f" the list: {'; '.join(map(str, provider.invalid))}. Correct the spec and apply it.",
            err=True,
        )
    return Exit.FINDINGS if invalid else Exit.PASS


def _show(found: Sequence[Dialled], invalid: Sequence[TokenProvider], output: str) -> None:
    if output in (_VALUES, *_HEADS):
        if output in _HEADS:
            click.echo(_HEADS[output])
        emit(_opening(found, output), Form.YAML, lambda *_: [])
    elif not found and output == Form.TABLE:
        click.echo(
            "No TokenProvider has a server asked: the operator talks to the API server alone.",
            err=True,
        )
    else:
        document = {
            "items": [document_of(one) for one in found],
            "invalid": [
                {"provider": one.name, "faults": [str(fault) for fault in one.invalid]}
                for one in invalid
            ],
        }
        emit(document, output, lambda _, screen: _lines(found, screen))


def _opening(found: Sequence[Dialled], output: str) -> dict[str, Any]:
    """Return the values or the policy that open the way to these servers."""
    if output == _CILIUM:
        return cilium_policy_of(found, may_be_dialled)
    egress = egress_of(found, NEVER, may_be_dialled)
    if output == _POLICY:
        return network_policy_of(egress, public_blocks((*NEVER, *PRIVATE)))
    return values_of(egress)


def _lines(found: Sequence[Dialled], screen: Screen) -> list[str]:
    rows = [
        (
            one.provider,
            told_place(server.place),
            ", ".join(server.about),
            ", ".join(one.cidrs) or "-",
        )
        for one in found
        for server in one.servers
    ]
    return table(("PROVIDER", "HOST", "ASKED ABOUT", "PRIVATE NETWORKS"), rows, screen)
