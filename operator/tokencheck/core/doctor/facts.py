"""What was seen of a cluster and of the operator in it. An `Unread` says why something was not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tokencheck.model.admission import Enforcement, Guard
from tokencheck.model.evidence import Unread
from tokencheck.model.rights import Need, Review
from tokencheck.model.scope import Scope

MOST_AUTHORS = 50  # of ClusterTokenChecks, whose rights are asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The API server.

    Args:
        url: as the kubeconfig names it.
        version: such as ``v1.37.2``.
        ahead_s: how far its clock is ahead of the caller's; None when it told no time.
        user: the caller, as it knows him; "" when it does not say.
    """

    url: str
    version: str
    ahead_s: float | None = None
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crd:
    """A CRD as it is installed; `digest` is that of `api.crds.digest_of`."""

    served: tuple[str, ...]
    established: bool
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What an operator says of itself at /readyz.

    Args:
        ready: what it says.
        reasons: why it is not.
        facts: the rest of the answer.
        ahead_s: how far its clock is ahead of the API server's; None when it told no time.
    """

    ready: bool
    reasons: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    ahead_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A Pod of the operator.

    Args:
        ready: whether the cluster counts it as ready.
        trouble: why it is not, in the words of the kubelet or scheduler (``ImagePullBackOff``).
        restarts: of its container.
        page: what it says of itself.
    """

    name: str
    ready: bool
    trouble: str = ""
    restarts: int = 0
    page: "Page | Unread | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How an operator was installed: its Deployment.

    Args:
        account: name of its ServiceAccount.
        version: of the chart's label; "" without one.
        scope, namespaces, named: which Secrets it is told to read.
        leases: names of the Leases that its replicas hold; empty when one works alone.
        cluster_checks: whether it acts on ClusterTokenChecks.
        review_authors: whether it asks for the rights of whom the API server stamped.
    """

    namespace: str
    name: str
    account: str
    version: str = ""
    wanted: int = 1
    leases: tuple[str, ...] = ()
    scope: Scope = Scope.CLUSTER
    namespaces: tuple[str, ...] = ()
    named: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    cluster_checks: bool = False
    review_authors: bool = False

    @property
    def user(self) -> str:
        """Return the operator as the API server knows it."""
        return f"system:serviceaccount:{self.namespace}:{self.account}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A Lease of the operator. `age_s` is counted from its last renewal, by the server's clock."""

    name: str
    holder: str
    duration_s: float
    age_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSeen:
    """What the status of a TokenCheck gives away about the operator.

    Args:
        pending: no operator has looked at it yet; current: its status is about the spec as it is.
        age_s: since it was made.
        ready: status of Ready; "" when it is absent (suspended).
        overdue_s: for how long a token that its status calls good has ended; 0 when none has.
        denied: whether the operator may not read something that it needs.
        bypassed: whether break-glass holds its gate open.
        bypass: what the operator says of break-glass; "" where nobody asks for it.
        stamped: whether the API server looked at who wrote its spec.
        interval: as the spec writes it.
        made_by: name of the ClusterTokenCheck that made it; "" where none did.
    """

    namespace: str
    name: str
    pending: bool
    current: bool
    age_s: float
    ready: str
    overdue_s: float = 0.0
    denied: bool = False
    bypassed: bool = False
    bypass: str = ""
    stamped: bool = False
    interval: str = ""
    made_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSeen:
    """A TokenProvider.

    Args:
        ready, message: status and message of its Ready.
        reachable: status of its Reachable; empty while nobody was asked.
        reason, silence, unreachable_since: of that condition: reason, message, last transition.
        answered: when it last answered; empty when it never did.
        checks: how many TokenChecks hang on it.
    """

    name: str
    ready: str
    message: str = ""
    reachable: str = ""
    reason: str = ""
    silence: str = ""
    unreachable_since: str = ""
    answered: str = ""
    checks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCheckSeen:
    """A ClusterTokenCheck.

    Args:
        ready, reason, message: of its Ready.
        age_s: since it was made.
        author: who wrote its spec, as the API server stamped it; "" without a stamp.
        allowed: whether he may get the Secrets of all namespaces; None when that is not known.
    """

    name: str
    ready: str
    reason: str = ""
    message: str = ""
    age_s: float = 0.0
    author: str = ""
    allowed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The requester policy, and what dry runs with the caller's rights have shown.

    Args:
        policy: whether it is the one that this version ships; binding: whether that is.
        guards: whether the chart's other policies, with their bindings, are those that ship.
        unbound: of these the ones of which a binding alone is another one.
        stamps: whether the API server has to write who asked; None when that is not known.
        namespaces: those with TokenChecks that were tried.
    """

    policy: bool | Unread
    binding: bool | Unread
    guards: Mapping[Guard, bool | Unread] = field(default_factory=lambda: MappingProxyType({}))
    unbound: frozenset[Guard] = frozenset()
    stamps: bool | None = None
    namespaces: Mapping[str, Enforcement] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All of it.

    Args:
        crds: by name, those that this program ships.
        caller: needs of the caller with the reviews of each.
        setups: the operator's Deployments; none when it does not run in the cluster.
        operator: needs of the operator's account with the reviews; empty without a setup.
        page: of an operator that was asked at its address, beside any Pods.
    """

    version: str
    server: Server
    crds: Mapping[str, Crd | Unread]
    caller: tuple[tuple[Need, tuple[Review, ...]], ...]
    setups: tuple[Setup, ...] | Unread
    replicas: tuple[Replica, ...] | Unread
    leases: tuple[Held, ...] | Unread
    operator: tuple[tuple[Need, tuple[Review, ...]], ...]
    checks: tuple[CheckSeen, ...] | Unread
    providers: tuple[ProviderSeen, ...] | Unread
    cluster_checks: tuple[ClusterCheckSeen, ...] | Unread
    admission: Admission
    page: Page | Unread | None = None
