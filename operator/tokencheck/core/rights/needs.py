"""What the operator and the person at the command line need to be allowed, and why.

The chart grants the operator exactly this (`charts/tokencheck/templates/rbac*.yaml`); a test holds
both together.
"""

from collections.abc import Iterator, Mapping, Sequence

from tokencheck.model.admission import PROBE_NAME
from tokencheck.model.rights import Need
from tokencheck.model.scope import Scope

READ = ("get", "list", "watch")
OURS = "tokencheck.dev"
_FOLLOWED = (
    ("", ("pods", "configmaps", "namespaces")),
    ("apps", ("deployments", "statefulsets", "daemonsets", "replicasets", "controllerrevisions")),
    ("batch", ("jobs", "cronjobs")),
)
_WHY = {
    "pods": "which Pods keep an old token cannot be told",
    "configmaps": "public keys in ConfigMaps cannot be read",
    "namespaces": "which TokenProviders a namespace may use cannot be told",
}
_FOLLOWS = "TokenChecks of these workloads are Unknown"


def operator_needs(
    scope: Scope,
    namespaces: Sequence[str] = (),
    named: Mapping[str, Sequence[str]] | None = None,
    *,
    home: str = "tokencheck-system",
    leases: Sequence[str] = (),
    credentials: Sequence[str] = (),
    token_reviews: bool = False,
    cluster_checks: bool = False,
) -> tuple[Need, ...]:
    """Return what the operator needs with this scope of Secrets.

    Args:
        scope: how far it may read Secrets.
        namespaces: with scope namespaces.
        named: namespace -> names, with scope named.
        home: the operator's own namespace.
        leases: names of the Leases by which its replicas agree; none when it works alone.
        credentials: names of the Secrets there by which TokenProviders know it.
        token_reviews: whether a TokenProvider has it ask the API server about tokens.
        cluster_checks: whether it acts on ClusterTokenChecks.
    """
    secrets = _secrets(scope, namespaces, named or {})
    own = _credentials(home, () if scope is Scope.CLUSTER else credentials)
    asks = _token_reviews() if token_reviews else ()
    makes = _cluster_checks() if cluster_checks else ()
    return (*_own_kinds(), *makes, *_leases(home, leases), *_followed(), *secrets, *own, *asks)


def caller_needs() -> tuple[Need, ...]:
    """Return what a person needs for all commands that talk to an operator."""
    return (
        Need(
            verbs=READ,
            group=OURS,
            resource="tokenchecks",
            why="get, explain and wait show you nothing",
        ),
        Need(
            verbs=("patch",),
            group=OURS,
            resource="tokenchecks",
            why="you cannot ask for a check with tokencheck check",
        ),
        Need(
            verbs=("get", "list"),
            group=OURS,
            resource="tokenproviders",
            why="explain --at and init cannot tell who vouches for a token",
        ),
    )


def _own_kinds() -> Iterator[Need]:
    for resource in ("tokenchecks", "tokenproviders"):
        yield Need(verbs=READ, group=OURS, resource=resource, why="nothing is checked at all")
    for resource in ("tokenchecks/status", "tokenproviders/status"):
        yield Need(
            verbs=("patch",), group=OURS, resource=resource, why="no verdict reaches the cluster"
        )
    yield Need(
        verbs=("create",),
        group="authorization.k8s.io",
        resource="subjectaccessreviews",
        why="an author who has lost his rights keeps his checks, and what owners of tokens may do"
        " is not known",
    )
    why = "whether admission asks for the rights of authors cannot be proven"
    yield Need(
        verbs=("create", "patch"), group=OURS, resource="tokenchecks", names=(PROBE_NAME,), why=why
    )
    for prefix in ("validating", "mutating"):
        for plural in ("policies", "policybindings"):
            yield Need(
                verbs=READ,
                group="admissionregistration.k8s.io",
                resource=f"{prefix}admission{plural}",
                why=why,
            )
    yield Need(
        verbs=("create", "patch"),
        group="events.k8s.io",
        resource="events",
        why="verdicts stand in the status, but no Event tells of them",
    )


def _cluster_checks() -> Iterator[Need]:
    for verbs, resource, why in (
        (READ, "clustertokenchecks", "ClusterTokenChecks are not acted on"),
        (("patch",), "clustertokenchecks/status", "ClusterTokenChecks do not say how they stand"),
        (
            ("create", "patch", "delete"),
            "tokenchecks",
            "the TokenChecks that ClusterTokenChecks want are not made, renewed or removed",
        ),
    ):
        yield Need(verbs=verbs, group=OURS, resource=resource, why=why)


def _leases(home: str, names: Sequence[str]) -> Iterator[Need]:
    group, resource = "coordination.k8s.io", "leases"
    why = "replicas cannot agree on who writes, so none does"
    if names:
        verbs = (*READ, "create")
        yield Need(verbs=verbs, group=group, resource=resource, why=why, namespace=home)
        yield Need(
            verbs=("patch",),
            group=group,
            resource=resource,
            why=why,
            namespace=home,
            names=tuple(names),
        )


def _followed() -> Iterator[Need]:
    for group, resources in _FOLLOWED:
        for resource in resources:
            why = _WHY.get(resource, _FOLLOWS)
            yield Need(verbs=READ, group=group, resource=resource, why=why)


def _credentials(home: str, names: Sequence[str]) -> Iterator[Need]:
    why = "TokenProviders with introspection, or of Vault, cannot be asked whether tokens live"
    if names:
        named = tuple(names)
        yield Need(
            verbs=("get",), group="", resource="secrets", why=why, namespace=home, names=named
        )


def _token_reviews() -> Iterator[Need]:
    yield Need(
        verbs=("create",),
        group="authentication.k8s.io",
        resource="tokenreviews",
        why="TokenProviders of type Kubernetes cannot be asked whether tokens live",
    )


def _secrets(
    scope: Scope, namespaces: Sequence[str], named: Mapping[str, Sequence[str]]
) -> Iterator[Need]:
    why = "TokenChecks that need these Secrets are Unknown (AccessDenied)"
    match scope:
        case Scope.CLUSTER:
            yield Need(verbs=READ, group="", resource="secrets", why=why)
        case Scope.NAMESPACES:
            for namespace in namespaces:
                yield Need(verbs=READ, group="", resource="secrets", why=why, namespace=namespace)
        case Scope.NAMED:
            for namespace, names in sorted(named.items()):
                yield Need(
                    verbs=READ,
                    group="",
                    resource="secrets",
                    why=why,
                    namespace=namespace,
                    names=tuple(names),
                )
