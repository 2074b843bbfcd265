"""`tokencheck operator`: run the operator."""

from typing import Any

import click

from tokencheck.app.settings import Settings, parse_listen, parse_names, parse_secrets
from tokencheck.model.scope import Scope

_SECONDS = click.FloatRange(0.1, 3600.0)


@click.command(context_settings={"auto_envvar_prefix": "TOKENCHECK", "show_default": True})
@click.option(
    "--kubeconfig",
    type=click.Path(dir_okay=False),
    help="Kubeconfig file; in-cluster credentials by default.",
)
@click.option("--context", help="Context of the kubeconfig.")
@click.option(
    "--listen", default="127.0.0.1:8080", help="HOST:PORT of /metrics, /healthz and /readyz."
)
@click.option(
    "--secrets-scope",
    type=click.Choice([str(s) for s in Scope]),
    default="cluster",
    help="Which Secrets may be read.",
)
@click.option(
    "--namespaces", default="", metavar="NS,…", show_default=False, help="With scope namespaces."
)
@click.option(
    "--secrets", default="", metavar="NS/NAME,…", show_default=False, help="With scope named."
)
@click.option(
    "--own-namespace",
    default="tokencheck-system",
    help="Where ConfigMaps with providers' keys stand, and the Leases of the replicas.",
)
@click.option(
    "--log-level", type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]), default="INFO"
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=24,
    help="Passes that run at the same time, half of them of one namespace.",
)
@click.option(
    "--leader-elect/--no-leader-elect",
    default=True,
    help="Let replicas elect who writes, by a Lease in --own-namespace; the others stand by.",
)
@click.option(
    "--shards",
    type=click.IntRange(1, 64),
    default=1,
    help="Parts, by namespace, with a leader each; the same number for all replicas.",
)
@click.option(
    "--review-authors/--no-review-authors",
    default=False,
    help="End checks whose author lost a right; where the API server stamps who asked.",
)
@click.option(
    "--cluster-token-checks/--no-cluster-token-checks",
    "cluster_checks",
    envvar="TOKENCHECK_CLUSTER_TOKEN_CHECKS",
    default=False,
    help="Keep a TokenCheck for each workload that ClusterTokenChecks select.",
)
@click.option("--compare-every", "compare_every_s", type=_SECONDS, default=60.0, hidden=True)
@click.option("--relist-every", "relist_every_s", type=_SECONDS, default=60.0, hidden=True)
@click.option("--prove-every", "prove_every_s", type=_SECONDS, default=60.0, hidden=True)
@click.option("--read-rbac-every", "read_rbac_every_s", type=_SECONDS, default=300.0, hidden=True)
def command(
    *,
    listen: str,
    secrets_scope: str,
    namespaces: str,
    secrets: str,
    **as_they_are: Any,  # noqa: ANN401 - Settings says the types
) -> int:
    """Run the operator.

    Every option can also be given as TOKENCHECK_<OPTION> in the environment.
    """
    host, port = parse_listen(listen)
    settings = Settings(
        listen_host=host,
        listen_port=port,
        scope=Scope(secrets_scope),
        namespaces=parse_names(namespaces),
        secrets=parse_secrets(secrets),
        **as_they_are,
    )
    from tokencheck.app.operator import run

    return run(settings)
