"""A workload as the checks see it.

Its sites, its Pods, and how far its rollout is. No Secret value is in here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class SiteKind(StrEnum):
    """How a container gets a token."""

    ENV = "env"
    ENV_FROM = "envFrom"
    VOLUME = "volume"
    SUB_PATH = "subPath"
    PROJECTED = "projected"
    PROJECTED_SUB_PATH = "projectedSubPath"
    SERVICE_ACCOUNT_TOKEN = "serviceAccountToken"
    IMAGE_PULL_SECRET = "imagePullSecret"
    CSI = "csi"
    INJECTED = "injected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One place where a workload takes a token.

    Args:
        kind: how.
        container: name of the container; "" for imagePullSecrets and volumes that nobody mounts.
        where: the variable, the path in the container, or the volume.
        secret: name of the Secret; "" where there is none (CSI, injected, service-account token).
        key: key of the Secret; None means every key (envFrom, volume without items,
            imagePullSecret).
        optional: whether Kubernetes starts the Pod without it.
        audience, expiration_seconds: of a projected service-account token.
    """

    kind: SiteKind
    container: str
    where: str
    secret: str = ""
    key: str | None = None
    optional: bool = False
    audience: str | None = None
    expiration_seconds: int | None = None

    @property
    def keeps_old(self) -> bool:
        """Return whether a running container keeps the value it started with. Source.

        Secret docs, env and subPath.
        """
        return self.kind in (
            SiteKind.ENV,
            SiteKind.ENV_FROM,
            SiteKind.SUB_PATH,
            SiteKind.PROJECTED_SUB_PATH,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """The numbers of a workload's status that say how far a rollout is; absent ones are 0."""

    desired: int = 0
    updated: int = 0
    available: int = 0
    ready: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A workload, reduced at parse to what decisions need.

    Args:
        template_hash: identity of spec.template: equal hashes mean equal templates.
        release: the template's annotation tokencheck.dev/release, if any.
        observed_generation: what its controller has seen; None when the kind has no such field.
        conditions: its status conditions, type -> (status, reason).
        strategy: update strategy type ("" when the kind has none).
        paused: spec.paused or spec.suspend; of an Argo Rollout also a step that waits.
        partition: of a StatefulSet's rolling update.
        selector: matchLabels of its Pods, for finding them.
        owners: UIDs of controlling objects between it and its Pods that are known by name only
            (empty for most kinds).
    """

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str
    generation: int
    template_hash: str
    sites: tuple[Site, ...]
    replicas: Replicas = Replicas()
    observed_generation: int | None = None
    conditions: Mapping[str, tuple[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    strategy: str = ""
    paused: bool = False
    partition: int = 0
    revision: str = ""
    update_revision: str = ""
    release: str | None = None
    deleting: bool = False
    service_account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRecord:
    """A Pod, reduced at parse.

    Args:
        owner_uid: UID of its controller (a ReplicaSet, StatefulSet, Job …); its own UID for a bare
            Pod.
        started_at: when its oldest running container started; None before.
        revision: its label controller-revision-hash or pod-template-hash.
        active: neither finished nor being deleted.
        volumes: the sites of the Pod's own spec, those that a webhook added included.
        running: its running containers, each with the time when it started.
    """

    namespace: str
    name: str
    uid: str
    owner_uid: str
    ready: bool
    active: bool
    started_at: datetime | None = None
    revision: str = ""
    volumes: tuple[Site, ...] = ()
    running: tuple[tuple[str, datetime], ...] = ()


class RolloutState(StrEnum):
    """How far the workload's rollout is.

    Each but SETTLED, IN_PROGRESS and NONE may last, so Ready is then about the tokens alone.
    """

    NONE = "None"  # the check names no workload
    SETTLED = "Settled"
    IN_PROGRESS = "InProgress"
    PAUSED = "Paused"
    SCALED_TO_ZERO = "ScaledToZero"
    WAITING_FOR_MANUAL_UPDATE = "WaitingForManualUpdate"
    NO_ROLLOUT = "NoRollout"
    FAILED = "Failed"
    NOT_FOUND = "NotFound"
    UNREADABLE = "Unreadable"  # AccessDenied or the read failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """Where a rollout stands; `detail` says it in words (``2 of 3 Pods updated``)."""

    state: RolloutState
    detail: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    generation: int = 0
    template_hash: str = ""
    revision: str = ""
