"""What an `Introspector` holds of one provider: its tokens, who follows them, a pause."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tokencheck.core.questions.liveness import (
    Known,
    Pause,
    is_due,
    needs_credentials,
    resumed,
    retried,
)
from tokencheck.core.questions.replies import Faulted
from tokencheck.gather.ask_registry import Nobody
from tokencheck.gather.wanted import Wanted
from tokencheck.model.activity import Answer
from tokencheck.model.evidence import SecretContent, Unread
from tokencheck.model.keys import Key

AT_A_TIME = 4  # questions to one provider
READ_EVERY = timedelta(seconds=30)  # credentials that a provider refused


@dataclass(slots=True)
class Entry:
    """One token.

    Args:
        asked_by: the check that has it asked, and comes again for that.
        followers: what each check was told last; it comes again when that changes.
        first_look: when a check first waited for the next answer.
        wanted: paths that are asked about with it.
    """

    known: Known = field(default_factory=Known)
    asking: asyncio.Task[None] | None = None
    asked_by: Key | None = None
    interval: timedelta = timedelta(minutes=10)
    followers: dict[Key, object] = field(default_factory=dict)
    waiting: set[Key] = field(default_factory=set)
    first_look: datetime | None = None
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(slots=True)
class Ended:
    """How a question ended.

    Args:
        result: None when it was not asked.
        version: of the Secret with the credentials by which it was asked, as `version_of` says.
    """

    result: Answer | Faulted | None
    began: datetime
    version: str = ""


def version_of(content: SecretContent | Unread | None) -> str:
    """Return the resourceVersion of a Secret; "" of one that could not be read."""
    return content.meta.resource_version if isinstance(content, SecretContent) else ""


@dataclass(slots=True)
class Desk:
    """One provider.

    Args:
        asked_of: what an answer depends on; another one ends what is known.
        nobody: what a registry says to who shows no login.
        fault: of the last question that was not about one token alone.
        shown_at: when the provider's status was last made to show how it stands.
        behind: checks that are told when the question ends that tries a paused provider.
        refused: the version of the Secret with the operator's own credentials by which a question
            failed last that may need others.
        read_at: when that Secret was read last since.
    """

    asked_of: object
    nobody: Nobody
    entries: OrderedDict[bytes, Entry] = field(default_factory=OrderedDict)
    pause: Pause = field(default_factory=Pause)
    fault: Faulted | None = None
    answered_at: datetime | None = None
    shown_at: datetime | None = None
    running: int = 0
    behind: set[Key] = field(default_factory=set)
    refused: str = ""
    read_at: datetime | None = None
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_A_TIME))

    def read_again_at(self, now: datetime) -> datetime | None:
        """Return when to look for other credentials; None where nothing is left alone for them."""
        if self.read_at is None:
            return None
        waits = self.pause.holds(now) and needs_credentials(self.pause.fault)
        faulted = (e.known for e in self.entries.values() if needs_credentials(e.known.fault))
        if waits or any(known.retry_at and now < known.retry_at for known in faulted):
            return self.read_at + READ_EVERY
        return None

    def mended(self, now: datetime) -> set[Key]:
        """Leave nothing alone any more for want of other credentials; return the checks to come."""
        self.pause = resumed(self.pause, now)
        come: set[Key] = set()
        for entry in self.entries.values():
            entry.known = retried(entry.known, now)
            if is_due(entry.known, entry.interval, now):
                come.update(entry.followers, entry.waiting)
        return come
