"""What may be asked of the world and told to it. Adapters stand in ``clients``.

``web`` and ``app``.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from tokencheck.api.tokencheck import Requester, TokenCheck, WorkloadRef
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.model.activity import Activity, Looked, Standing
from tokencheck.model.asking import NoReply, Question, Reply
from tokencheck.model.assessment import Assessment
from tokencheck.model.estate import Estate, Step
from tokencheck.model.evidence import SecretContent, Unread
from tokencheck.model.keys import Key
from tokencheck.model.outcome import Event, Outcome
from tokencheck.model.rbac import Rbac, Unseen
from tokencheck.model.rights import Right
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import Trust
from tokencheck.model.workload import PodRecord, Workload


class Inventory(Protocol):
    """Reads of the cluster (or of files). Never raises for facts of the world.

    They come back as values.
    """

    def check(self, key: Key) -> TokenCheck | None:
        """Return the TokenCheck as last seen, or None when it is gone."""

    def provider(self, name: str) -> TokenProvider | None:
        """Return the TokenProvider as last seen, or None."""

    def issuing(self, issuer: str | None = None) -> tuple[TokenProvider, ...]:
        """Return the TokenProviders that match JWTs of this issuer (None: of any), by name."""

    def matching(self, kind: str) -> tuple[TokenProvider, ...]:
        """Return those that are asked about tokens of this kind that nobody listed, by name."""

    async def workload(self, namespace: str, ref: WorkloadRef) -> Workload | Unread:
        """Return the workload that `ref` names in `namespace`."""

    async def secret(self, namespace: str, name: str) -> SecretContent | Unread:
        """Return the Secret with its values sealed, read now."""

    async def config_map_value(self, namespace: str, name: str, key: str) -> str | Unread:
        """Return one text value of a ConfigMap."""

    async def pods(self, workload: Workload) -> tuple[PodRecord, ...] | Unread:
        """Return the Pods of the workload, those of older revisions included."""

    async def namespace_labels(self, name: str) -> Mapping[str, str] | Unread:
        """Return the labels (and the owner annotation, under its own name) of a Namespace."""


class Reviews(Protocol):
    """Rights of other users."""

    async def allowed(
        self, requester: Requester, right: Right, now: datetime
    ) -> tuple[bool | None, datetime]:
        """Return whether the user has the right, None when it is not known; and as of when."""


class Extents(Protocol):
    """Where resources are: in namespaces, or of the whole cluster."""

    async def namespaced(self, group: str, resource: str) -> bool | None:
        """Return whether the plural of a group is in namespaces, None when it is not known."""

    async def lists(self, group: str) -> bool:
        """Return whether all that the group has is known: what is not among it does not exist."""


class Policies(Protocol):
    """What RBAC grants to whom, in the whole cluster."""

    async def rbac(self, now: datetime, good_for: timedelta) -> Rbac | Unseen:
        """Return it as it was read no longer ago than that; or why it cannot be read.

        Where it could not be read again for now, what was read last is returned for a while,
        with its time.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What a process remembers of one token of one check.

    Args:
        secret_uid, fingerprint: of the value last read.
        changed_at: when that value came, `witnessed` if it is known and not only assumed.
        subject: of the baseline; it never leaves the process.
    """

    secret_uid: str
    fingerprint: bytes
    changed_at: datetime
    witnessed: bool
    subject: str | None = None


class Asker(Protocol):
    """The only way to a provider's servers."""

    async def ask(self, question: Question) -> Reply | NoReply:
        """Return the answer, or why there is none that could be taken, within its deadline."""


class TokenReviews(Protocol):
    """The operator's own API server, asked whose a token is."""

    async def review(self, token: Sealed, audiences: tuple[str, ...]) -> Reply | NoReply:
        """Return the answer to a TokenReview, or why there is none.

        Args:
            audiences: for which the token shall count; empty for the API server's own.
        """


class Keyring(Protocol):
    """The keys that providers' servers gave."""

    def trust(self, provider: TokenProvider, trust: Trust, now: datetime) -> Trust:
        """Return `trust`, which has the provider's rules, with its keys or why there are none."""

    def awaits(self, key: Key, assessment: Assessment, now: datetime) -> datetime | None:
        """Return until when a check has to wait for an answer; None when it can be judged now.

        The answer makes it due, if it comes sooner.
        """

    def ask_ahead_at(self, assessment: Assessment, now: datetime) -> datetime | None:
        """Return when asking again may help a token whose key is not known; None when never."""

    def tend(self, provider: TokenProvider, now: datetime) -> datetime | None:
        """Ask a provider when it is time to; return when to look at it again."""

    def forget(self, name: str) -> None:
        """Keep nothing of a provider that is gone."""


class Liveness(Protocol):
    """What providers say of tokens."""

    def activity(self, provider: TokenProvider, looked: Looked, now: datetime) -> Activity:
        """Return what is known of the token; have its provider asked when it is time to."""

    def awaits(self, key: Key, assessment: Assessment, now: datetime) -> datetime | None:
        """Return until when a check has to wait for a first answer; None when it has not.

        The answer makes it due, if it comes sooner.
        """

    def again_at(self, key: Key, assessment: Assessment, now: datetime) -> datetime | None:
        """Return when the check is to come again to have its tokens asked about, or None."""

    def standing(self, name: str) -> Standing | None:
        """Return how a provider stands; None of one that was never asked about a token."""

    async def tend(
        self, provider: TokenProvider, now: datetime, *, changed: bool
    ) -> datetime | None:
        """Have the checks come again that wait while nobody asks, or for other credentials.

        Args:
            changed: whether the Secret with the operator's own credentials is known to be another.

        Returns:
            when to look at the provider again.
        """

    def forget(self, name: str) -> None:
        """Keep nothing of a provider that is gone."""


class Shelf(Protocol):
    """Where the TokenChecks stand that this process knows."""

    def put_written(self, check: TokenCheck) -> None:
        """Take version and status of a check whose status was just written: its echo comes later.

        The rest is that of when its pass began, and may be known otherwise by now.
        """


class Memory(Protocol):
    """What a process remembers of a check's tokens between passes; lost at restart."""

    def recall(self, key: Key, token: str) -> Remembered | None:
        """Return what is remembered of the token, or None."""

    def remember(self, key: Key, token: str, remembered: Remembered) -> None:
        """Replace what is remembered of the token."""

    def retain(self, key: Key, names: Collection[str]) -> None:
        """Forget the tokens of the check that are not among `names`."""

    def forget(self, key: Key) -> None:
        """Forget all tokens of the check."""


class Interest(Protocol):
    """Who wants to know of what: a pass says on which objects its verdict depends."""

    def follow(self, key: Key, references: frozenset[Key]) -> None:
        """Replace the objects whose changes make the check due.

        Watches for them are started and ended as needed.
        """

    def also(self, key: Key, references: frozenset[Key]) -> None:
        """Add to the objects whose changes make the check due; none is taken away."""

    def leave(self, key: Key, references: frozenset[Key]) -> None:
        """Take these away from the objects whose changes make the check due."""

    def unfollow(self, key: Key) -> None:
        """Make the check due by nothing any more."""

    def is_fresh(self, key: Key) -> bool:
        """Return whether a change of anything that makes the check due would be known by now."""

    def followers(self, key: Key) -> int:
        """Return how many checks are made due by this object."""


class WriteResult(StrEnum):
    """How a status write ended."""

    WRITTEN = "Written"
    CONFLICT = "Conflict"  # a newer version exists: read again, plan again
    GONE = "Gone"  # deleted, or another object of the same name
    FAILED = "Failed"  # no answer or refused for now: try again
    REFUSED = "Refused"  # no right to write: told in logs and metrics, tried again later
    STANDBY = "Standby"  # another replica leads: not sent, and the leader writes it
    REJECTED = "Rejected"  # the schema does not take it: a bug of ours, not tried again as it is


class Estates(Protocol):
    """What the whole cluster has of what ClusterTokenChecks are about."""

    def look(self) -> Estate | None:
        """Return all that is known now; None while a first list is under way."""


class Maker(Protocol):
    """The one writer of TokenChecks."""

    async def take(self, step: Step) -> WriteResult:
        """Make, renew or remove one; CONFLICT when the world is another one than was seen."""


class StatusSink(Protocol):
    """The one writer of status."""

    async def write(
        self, key: Key, *, uid: str, resource_version: str, status: Mapping[str, Any]
    ) -> tuple[WriteResult, str]:
        """Apply a merge patch to the status, fenced by uid and resourceVersion.

        Returns:
            how it ended, and the new resourceVersion ("" unless WRITTEN).
        """


class EventSink(Protocol):
    """The one writer of Events; best effort: a lost event never blocks a status."""

    def emit(self, event: Event) -> None:
        """Queue an event; repeats within a while become a series."""

    def retell(self, events: Iterable[Event]) -> None:
        """Queue events that may have been told before; those that were change nothing."""


class Board(Protocol):
    """What metrics and pages show: the latest result of each check."""

    def put(
        self, key: Key, check: TokenCheck, assessment: Assessment | None, outcome: Outcome
    ) -> None:
        """Replace what is shown of this check."""

    def confirm(self, key: Key) -> None:
        """Show that what is shown of this check is right now."""

    def drop(self, key: Key) -> None:
        """Show nothing of it any more."""
