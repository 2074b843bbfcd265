"""Kopf's settings, storages and memories.

Nothing is written by it, nothing kept, no exit on a burst of 5xx.
"""

import random
from collections.abc import Collection, Iterator
from typing import Any

import kopf
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

from tokencheck.app.compare import WATCH_S

FINALIZER = "tokencheck.dev/none"


class NoDiffBase(kopf.DiffBaseStorage):
    """Keeps no last-handled configuration: no annotation, and no deep copy of every event."""

    def build(self, *, body: kopf.Body, extra_fields: Any = None) -> Any:  # noqa: ARG002 - Kopf's signature
        """Return an empty essence."""
        return {}

    def fetch(self, *, body: kopf.Body) -> Any:  # noqa: ARG002 - Kopf's signature
        """Return an empty essence: nothing ever differs."""
        return {}

    def store(self, **_: Any) -> None:
        """Store nothing."""


class NoProgress(kopf.ProgressStorage):
    """Keeps no progress of handlers: we have none that could be retried."""

    def fetch(self, **_: Any) -> None:
        """Return that nothing is in progress."""

    def store(self, **_: Any) -> None:
        """Store nothing."""

    def purge(self, **_: Any) -> None:
        """Purge nothing."""

    def touch(self, **_: Any) -> None:
        """Touch nothing."""

    def clear(self, *, essence: Any) -> Any:
        """Return the essence as it is."""
        return essence


class NoMemories(ResourceMemories):
    """Remembers no object: no handler keeps anything there, and it is 0.9 KiB a TokenCheck."""

    async def recall(self, raw_body: Any, **how: Any) -> ResourceMemory:
        """Return an empty memory, which ends with the event."""
        return await super().recall(raw_body, **how | {"ephemeral": True})


class Backoffs(Collection[float]):
    """Pauses between tries.

    0.1 s growing to 5 s, jittered, never ending. A finite list would end the process.
    """

    def __iter__(self) -> Iterator[float]:
        """Yield the pauses of one request."""
        pause = 0.1
        while True:
            yield pause * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
            pause = min(pause * 2, 5.0)

    def __len__(self) -> int:
        """Return a number that is never reached; Kopf only asks whether there are any."""
        return 1_000_000

    def __contains__(self, _: object) -> bool:
        """Return False: membership is never asked."""
        return False


def configured() -> kopf.OperatorSettings:
    """Return the settings of the project's only use of Kopf; why each: docs/adr/0001."""
    settings = kopf.OperatorSettings()
    settings.persistence.finalizer = FINALIZER
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.persistence.progress_storage = NoProgress()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.watching.chunk_size = 500
    settings.watching.initial_streaming = False  # loses objects when the first stream breaks
    settings.watching.server_timeout = WATCH_S
    settings.watching.client_timeout = 330
    settings.watching.connect_timeout = 5
    settings.watching.inactivity_timeout = 70
    settings.watching.reconnect_backoff = 1.0
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.networking.error_backoffs = Backoffs()
    settings.networking.enforce_retry_after = True
    settings.queueing.worker_limit = None
    settings.queueing.idle_timeout = 0.1
    settings.queueing.exit_timeout = 2
    settings.queueing.error_delays = [1, 2, 5, 10]
    settings.execution.max_workers = 2
    settings.process.ultimate_exiting_timeout = None  # it would kill the whole process
    return settings
