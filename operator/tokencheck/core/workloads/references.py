"""On which objects a check depends: a change of any of them makes it due."""

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.core.workloads.locate import locate
from tokencheck.model.keys import Key
from tokencheck.model.workload import Site, Workload


def references_of(
    check: TokenCheck, workload: Workload | None, only_in_pods: tuple[Site, ...] = ()
) -> frozenset[Key]:
    """Return every object that `check` looks at, those that do not exist included.

    Secrets by name, ConfigMaps with keys, the workload, TokenProviders; the Namespace when a
    provider is asked, as it decides by the labels whether it vouches there. `only_in_pods` as in
    `locate`.
    """
    namespace, spec = check.namespace, check.spec
    providers = {token.provider for token in spec.tokens if token.provider}
    found = {
        Key("Secret", namespace, name) for name in locate(check, workload, only_in_pods).secrets
    }
    found |= {Key("ConfigMap", namespace, t.keys.name) for t in spec.tokens if t.keys}
    found |= {Key("TokenProvider", "", name) for name in providers}
    if providers:
        found.add(Key("Namespace", "", namespace))
    if spec.workload is not None:
        found.add(Key(spec.workload.kind, namespace, spec.workload.name))
    return frozenset(found)
