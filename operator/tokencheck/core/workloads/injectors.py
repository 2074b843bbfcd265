"""Webhooks that put tokens into Pods without any Secret, known by the annotations they ask for.

Such a token is seen by its Pod alone: it is listed, never read, never silently passed over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tokencheck.core.workloads.untyped import text
from tokencheck.model.workload import Site, SiteKind

_REFUSALS = frozenset({"", "false", "f", "no", "n", "off", "0", "disabled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Injector:
    """One product's annotations.

    Args:
        annotation: asks for the injection, unless its value refuses.
        files: prefix of the annotations that name one file each; "" when there are none.
        folder: where those files stand in the containers.
    """

    annotation: str
    files: str = ""
    folder: str = ""


INJECTORS = (
    # Vault Agent Injector: one annotation for each file
    Injector(
        annotation="vault.hashicorp.com/agent-inject",
        files="vault.hashicorp.com/agent-inject-secret-",
        folder="/vault/secrets",
    ),
    Injector(annotation="openbao.openbao.org/agent-inject"),
    # Bank-Vaults: replaces values of variables; named by the server's address, old and new name
    Injector(annotation="vault.security.banzaicloud.io/vault-addr"),
    Injector(annotation="secrets-webhook.security.bank-vaults.io/vault-addr"),
    Injector(annotation="operator.1password.io/inject"),
    Injector(annotation="org.infisical.com/inject"),
    Injector(annotation="akeyless/enabled"),
    Injector(annotation="conjur.org/inject"),
    Injector(annotation="secrets.k8s.aws/sidecarInjectorWebhook"),
)


def injected_sites(annotations: Mapping[str, object]) -> Iterator[Site]:
    """Yield the sites that the annotations of a Pod (or its template) ask a webhook to fill."""
    for injector in INJECTORS:
        if text(annotations.get(injector.annotation)).strip().lower() in _REFUSALS:
            continue
        for where in _files(injector, annotations) or (injector.annotation,):
            yield Site(kind=SiteKind.INJECTED, container="", where=where)


def _files(injector: Injector, annotations: Mapping[str, object]) -> tuple[str, ...]:
    if not injector.files:
        return ()
    names = (str(name) for name in annotations)
    found = sorted(n.removeprefix(injector.files) for n in names if n.startswith(injector.files))
    return tuple(f"{injector.folder}/{name}" for name in found if name)
