"""Everything that one pass learnt.

Before anything is decided. Faults of the world are values here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from tokencheck.api.tokencheck import Policy, TokenSpec
from tokencheck.model.activity import Activity
from tokencheck.model.facts import Facts
from tokencheck.model.rbac import Unseen
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import Trust

if TYPE_CHECKING:
    # Not loaded by `verify`, where nothing has a workload: its start is most of its time.
    from tokencheck.model.workload import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """The object does not exist. `what` names it for people: ``Secret shop/payments-api``."""

    what: str
    key_only: bool = False  # the object exists, the key or field in it does not
    removed: bool = (
        False  # and that key held a token at the last verdict, which nobody has accepted
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The operator may not read it."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The read got no answer; it will be tried again."""

    what: str


Unread: TypeAlias = Absent | Denied | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretMeta:
    """A Secret without its values.

    Args:
        changed_at: when a value last changed: seen by this process, else the newest managedFields
            time that touched
            data, else creation. `witnessed` is True only for the first of these.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    created_at: datetime
    changed_at: datetime
    witnessed: bool = False
    annotations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretContent:
    """A Secret with its values sealed."""

    meta: SecretMeta
    values: Mapping[str, Sealed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The token was read."""

    facts: Facts
    secret: SecretMeta


@dataclass(frozen=True, slots=True, kw_only=True)
class Projected:
    """A projected service-account token: known by the sites that mount it, never read."""

    sites: tuple[Site, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """A token that no Secret holds (CSI, injected)."""

    site: Site


Holding: TypeAlias = Held | Projected | Unreachable | Absent | Denied | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class StalePods:
    """Pods that keep an older token than the Secret.

    Args:
        applies: whether any site keeps the value it started with (env, subPath).
        names: those Pods, sorted.
        total: running Pods looked at.
        certain: False when the change time is only known from managedFields, which also moves on
            annotation writes.
        denied: whether the operator may not read Pods.
    """

    applies: bool = False
    names: tuple[str, ...] = ()
    total: int = 0
    certain: bool = True
    denied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a token was at its last accepted verdict.

    None means absent then. The subject stays in this process.
    """

    issuer: str | None = None
    audiences: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    lifetime_seconds: int | None = None
    algorithm: str | None = None
    kind: str = ""
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """What the owner of a token may do and nothing asks for.

    Args:
        scopes: in the words of the spec, the most telling first; not more than a few.
        count: of all.
        at_least: whether there is more that was not compared, as it is too much.
        as_of: when that was read, where it could not be read again since; None where it is new.
    """

    scopes: tuple[str, ...]
    count: int
    at_least: bool = False
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What a server said of scopes about each of which it is asked: permissions, capabilities.

    Args:
        said: scope -> whether the token's owner has it; None when that is not known.
        formless: those that are no permission by their form, so that nobody was asked; those that
            are allowed, and never asked about, among them.
        unlisted: those of whose resource no answer says whether it is in namespaces, so that
            nobody was asked either.
        misplaced: those that name a namespace for what is in none, so that no request needs them.
        excess: what RBAC grants beyond what is required and allowed; None when that is not known.
        unseen: why it is not, where it was looked for.
        why: why nothing was said of any of them, in words of ours; "" where something was.
        action: what mends that.
    """

    said: Mapping[str, bool | None]
    formless: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    misplaced: tuple[str, ...] = ()
    excess: Excess | None = None
    unseen: Unseen | None = None
    why: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEvidence:
    """All about one token.

    Args:
        spec: what is expected of it.
        source: where it is, for people: ``Secret shop/payments-api key "token"``.
        registry: host of the registry at which it logs in, with the name of the user beside it; ""
            where it was not looked for, or is no such login.
        activity: what its provider says of it; None when it was not looked for.
        permissions: what it or its owner may do, of what the spec names and beside; None when
            nobody was asked.
        baseline: None when none was accepted yet.
        drift_accepted: the annotation accept-drift names the Secret's resourceVersion, or the spec
            changed.
    """

    spec: TokenSpec
    source: str
    holding: Holding
    trust: Trust = Trust()
    registry: str = ""
    activity: Activity | None = None
    permissions: Permissions | None = None
    sites: tuple[Site, ...] = ()
    stale: StalePods = StalePods()
    baseline: Baseline | None = None
    drift_accepted: bool = False


# What one pass searches for tokens that nobody named. YAML is read at less than 1 MiB/s, and
# every other check waits meanwhile.
SEARCHED_YAML_BYTES = 256 * 1024  # of one Secret
SEARCHED_TOKENS = 200  # of one check


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one pass over one TokenCheck learnt.

    Args:
        tokens: listed ones first, then discovered ones by name.
        unreadable: sites of the workload where no Secret holds the token.
        unsearched: Secret and key of values that were too much for one pass to search.
        searched: Secrets in which discovery looked for tokens of a readable workload (so finding
            nothing is a finding); None when it did not run.
        workload: None when the spec names none; else why it could not be read.
    """

    namespace: str
    policy: Policy
    tokens: tuple[TokenEvidence, ...] = ()
    unreadable: tuple[Site, ...] = ()
    unsearched: tuple[str, ...] = ()
    searched: tuple[str, ...] | None = None
    workload: Unread | None = None
