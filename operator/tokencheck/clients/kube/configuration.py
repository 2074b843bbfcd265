"""What the kubernetes package knows about clusters: kubeconfig, plugins, tokens, authorities."""

import ssl
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.incluster_config import load_incluster_config

from tokencheck.clients.kube.road import ProxiedRoad, Road, StraightRoad
from tokencheck.model.errors import UsageError


async def load_kubeconfig(configuration: Configuration, path: Path, context: str | None) -> str:
    """Read credentials into `configuration`, and return of which context they are.

    Args:
        configuration: takes them.
        path: of the file.
        context: None means its current one.

    Raises:
        UsageError: the file or its context cannot be used.
    """
    # It loads pydantic and more, 11 MiB, which no Pod needs.
    from kubernetes.aio.config.kube_config import load_kube_config

    try:
        loader = await load_kube_config(  # type: ignore[no-untyped-call]  # the package types only its client
            config_file=str(path),
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
        return str(loader.current_context["name"])
    except ConfigException:
        which = f"the context {context}" if context else "its current context"
        raise UsageError(
            f"The kubeconfig {path} does not exist or cannot be used: look at {which}."
        ) from None
    except Exception:  # noqa: BLE001 - yaml, files and plugins raise whatever they like, with content in the text
        raise UsageError(f"The kubeconfig {path} cannot be read.") from None


def load_in_cluster(configuration: Configuration) -> None:
    """Read what every Pod gets into `configuration`.

    Raises:
        UsageError: this is no Pod, or its files cannot be read.
    """
    try:
        load_incluster_config(  # type: ignore[no-untyped-call]  # see above
            client_configuration=configuration, try_refresh_token=False
        )
    except (ConfigException, OSError, ValueError):
        raise UsageError(
            "This process runs in no Pod with a service account. Name a cluster with --kubeconfig."
        ) from None


def tls_of(configuration: Configuration) -> ssl.SSLContext:
    """Return what the kubernetes package makes of authorities, client certificate and flags."""
    context: ssl.SSLContext = RESTClientObject(configuration).ssl_context
    return context


def road_to(configuration: Configuration, tls: ssl.SSLContext, *, size: int) -> Road:
    """Return the way to the server, through a proxy where kubeconfig or environment say so.

    Args:
        size: connections at the same time.
    """
    server, name = configuration.host, configuration.tls_server_name
    url = urlsplit(server)
    by_environment = url.scheme in urllib.request.getproxies()
    if configuration.proxy or (by_environment and not urllib.request.proxy_bypass(url.netloc)):
        return ProxiedRoad(
            server,
            tls,
            server_name=name,
            proxy=configuration.proxy,
            proxy_headers=configuration.proxy_headers,
            size=size,
        )
    return StraightRoad(server, tls, server_name=name, size=size)
