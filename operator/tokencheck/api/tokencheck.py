"""TokenCheck: which tokens a workload mounts and what must be true of them.

The parse is in `api.parse_tokencheck`. Values hold what the spec says with every default filled in,
so no reader
has to know a default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias

from tokencheck.api.invalid import Invalid
from tokencheck.api.quantity import Share, Span

ANNOTATION_CHECK_NOW = "tokencheck.dev/check-now"
ANNOTATION_ACCEPT_DRIFT = "tokencheck.dev/accept-drift"
ANNOTATION_OWNER = "tokencheck.dev/owner"
# So a Namespace's owner annotation stands beside its labels: no label can be called so.
NAMESPACE_OWNER = "annotation:tokencheck.dev/owner"
ANNOTATION_EXPIRES_AT = "tokencheck.dev/expires-at"
ANNOTATION_RELEASE = "tokencheck.dev/release"
ANNOTATION_REQUESTER = "tokencheck.dev/requester"
ANNOTATION_REQUESTER_GROUPS = "tokencheck.dev/requester-groups"  # a line each
ANNOTATION_BYPASS_UNTIL = "tokencheck.dev/bypass-until"
ANNOTATION_BYPASS_BY = "tokencheck.dev/bypass-by"
ANNOTATION_BYPASS_REASON = "tokencheck.dev/bypass-reason"
BYPASS_ANNOTATIONS = (ANNOTATION_BYPASS_UNTIL, ANNOTATION_BYPASS_BY, ANNOTATION_BYPASS_REASON)
OWN_ANNOTATIONS = (
    *BYPASS_ANNOTATIONS,
    ANNOTATION_REQUESTER,
    ANNOTATION_REQUESTER_GROUPS,
    ANNOTATION_CHECK_NOW,
    ANNOTATION_ACCEPT_DRIFT,
    ANNOTATION_OWNER,
    ANNOTATION_EXPIRES_AT,
    ANNOTATION_RELEASE,
)

DEFAULT_WARN_BEFORE = timedelta(days=14)
DEFAULT_WARN_SHARE = Share(percent=20)


class Level(StrEnum):
    """What a policy makes of a finding that could be a warning."""

    IGNORE = "Ignore"
    WARN = "Warn"
    FAIL = "Fail"


class Use(StrEnum):
    """What a token is kept for; the findings of a Test token never move Ready."""

    LIVE = "Live"
    TEST = "Test"


class GateMode(StrEnum):
    """Whether Ready tells the verdict (Enforce) or is True after the first pass."""

    ENFORCE = "Enforce"
    ADVISORY = "Advisory"
    DISABLED = "Disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadRef:
    """The workload whose tokens are checked and whose rollouts are followed.

    Always in the check's namespace.
    """

    api_version: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKeyRef:
    """One key of one Secret in the check's namespace."""

    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMapKeyRef:
    """One key of one ConfigMap in the check's namespace."""

    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccountToken:
    """A projected service-account token, judged by its volume's spec."""

    audience: str
    max_expiration: timedelta | None = None


Source: TypeAlias = SecretKeyRef | ServiceAccountToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Scopes:
    """Which scopes a token must, may and must not have. None asked for: `asked` is False."""

    required: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    asked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """When a token's age or nearness to its end is a finding; None where the spec says nothing."""

    warn_before: Span | None = None
    fail_before: Span | None = None
    max_lifetime: timedelta | None = None
    max_age: Span | None = None
    expires_at: datetime | None = None

    def over(self, defaults: "Expiry") -> "Expiry":
        """Return this with what it leaves open taken from `defaults`."""
        return Expiry(
            warn_before=self.warn_before if self.warn_before is not None else defaults.warn_before,
            fail_before=self.fail_before if self.fail_before is not None else defaults.fail_before,
            max_lifetime=self.max_lifetime
            if self.max_lifetime is not None
            else defaults.max_lifetime,
            max_age=self.max_age if self.max_age is not None else defaults.max_age,
            expires_at=self.expires_at if self.expires_at is not None else defaults.expires_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSpec:
    """One token and what is expected of it.

    A discovered token has a source and an expiry, everything else of it is empty.

    Args:
        name: name in spec.tokens; for a discovered token ``SECRET/KEY`` (``SECRET/KEY:FIELD``
            inside a document).
        listed: whether spec.tokens names it.
        expiry: with spec.defaults.expiry already filled in.
    """

    name: str
    source: Source
    listed: bool = True
    use: Use = Use.LIVE
    field: str | None = None
    provider: str | None = None
    keys: ConfigMapKeyRef | None = None
    issuer: str | None = None
    audiences: tuple[str, ...] = ()
    subject: str | None = None
    scopes: Scopes = Scopes()
    expiry: Expiry = Expiry()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What each kind of warning becomes."""

    excess_scopes: Level = Level.WARN
    expiring_soon: Level = Level.WARN
    drift: Level = Level.WARN
    stale_in_pods: Level = Level.WARN
    no_expiry: Level = Level.WARN
    lifetime: Level = Level.WARN
    age: Level = Level.WARN
    unverified: Level = Level.WARN


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """How conditions speak to deployers."""

    mode: GateMode = GateMode.ENFORCE
    grace_for: timedelta = timedelta(minutes=2)
    stall_for: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """TokenCheck.spec with defaults filled in."""

    workload: WorkloadRef | None = None
    discover: bool = True
    release: str | None = None
    default_expiry: Expiry = Expiry()
    tokens: tuple[TokenSpec, ...] = ()
    policy: Policy = Policy()
    gate: Gate = Gate()
    interval: timedelta = timedelta(minutes=10)
    suspend: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """A user as the API server knows him.

    Args:
        extra: what else its authenticator tells, by name. Source: authentication.k8s.io UserInfo.
    """

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


def requester_of(annotations: Mapping[str, str]) -> Requester | None:
    """Return who asked for a spec, as the API server stamped it; None without a stamp."""
    name = annotations.get(ANNOTATION_REQUESTER, "")
    groups = annotations.get(ANNOTATION_REQUESTER_GROUPS, "").split("\n")
    return Requester(name=name, groups=tuple(filter(None, groups))) if name else None


def without_bypass(namespace: str, name: str) -> str:
    """Return the command that takes the break-glass annotations of a TokenCheck away."""
    names = " ".join(f"{annotation}-" for annotation in BYPASS_ANNOTATIONS)
    return f"kubectl annotate tokencheck {name} -n {namespace} {names}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCheck:
    """A TokenCheck as the API server holds it.

    Args:
        annotations: only those of tokencheck.dev.
        invalid: what is wrong with the spec; such a check is Stalled and judges nothing.
        status: the status last read or written, as JSON values; the memory that survives a restart.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    resource_version: str
    spec: Spec
    annotations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    invalid: tuple[Invalid, ...] = ()
    status: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def owner(self) -> str:
        """Return who is told about this check: its annotation tokencheck.dev/owner, or ""."""
        return self.annotations.get(ANNOTATION_OWNER, "")

    @property
    def requester(self) -> Requester | None:
        """Return who asked for the spec, as the API server stamped it; None without a name."""
        return requester_of(self.annotations)

    @property
    def stamped(self) -> bool:
        """Return whether the API server looked at who asked, also where it could name nobody."""
        return ANNOTATION_REQUESTER in self.annotations
