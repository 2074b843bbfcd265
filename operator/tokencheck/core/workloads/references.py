"""On which objects a check depends: a change of any of them makes it due."""

from tokencheck.api.shared import shared
from tokencheck.api.tokencheck import SecretKeyRef, TokenCheck
from tokencheck.core.workloads.locate import Located
from tokencheck.model.keys import Key


def references_of(check: TokenCheck, located: Located | None = None) -> frozenset[Key]:
    """Return every object that `check` looks at, those that do not exist included.

    Secrets by name, ConfigMaps with keys, the workload, TokenProviders, and the Namespace: its
    labels decide whether a provider vouches there, its annotation who the owner is.

    Args:
        located: where its tokens are; without, only what the spec itself names is known.
    """
    namespace, spec = check.namespace, check.spec
    secrets = {t.source.name for t in spec.tokens if isinstance(t.source, SecretKeyRef)}
    found = {
        Key("Secret", namespace, name) for name in secrets.union(located.secrets if located else ())
    }
    found |= {Key("ConfigMap", namespace, t.keys.name) for t in spec.tokens if t.keys}
    found |= {shared(Key("TokenProvider", "", t.provider)) for t in spec.tokens if t.provider}
    found.add(shared(Key("Namespace", "", namespace)))
    if spec.workload is not None:
        found.add(Key(spec.workload.kind, namespace, spec.workload.name))
    return frozenset(found)
