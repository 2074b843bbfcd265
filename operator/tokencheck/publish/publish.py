"""Status, then events, then the board.

In this order, so that nobody is told what is not written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.core.outcome.patch import merge_patch
from tokencheck.core.outcome.stopped import bare_status
from tokencheck.model.assessment import Assessment
from tokencheck.model.keys import Key
from tokencheck.model.outcome import Outcome
from tokencheck.model.ports import Board, EventSink, Shelf, StatusSink, WriteResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Sinks:
    """Where a pass writes."""

    status: StatusSink
    events: EventSink
    board: Board
    shelf: Shelf


class Published(Enum):
    """How a publication ended."""

    DONE = auto()
    SUPERSEDED = auto()  # a newer version of the object exists: its own change makes the next pass
    RETRY = auto()
    GONE = auto()
    STANDBY = auto()  # another process leads; what it will write is held back here
    REJECTED = auto()  # the schema does not take it; Ready=Unknown says so instead


_ENDS = {
    WriteResult.WRITTEN: Published.DONE,
    WriteResult.CONFLICT: Published.SUPERSEDED,
    WriteResult.GONE: Published.GONE,
    WriteResult.FAILED: Published.RETRY,
    WriteResult.REFUSED: Published.RETRY,
    WriteResult.STANDBY: Published.STANDBY,
    WriteResult.REJECTED: Published.REJECTED,
}


async def publish(
    key: Key, check: TokenCheck, outcome: Outcome, assessment: Assessment | None, sinks: Sinks
) -> tuple[Published, TokenCheck]:
    """Write `outcome` and return how it ended, with the check as it stands afterwards.

    A process that stands by writes nothing and says nothing, and goes on as if it had: the check
    that is returned has the status that the leader is about to write.
    An outcome that changes nothing writes nothing. The write carries uid and resourceVersion of
    what it was computed
    from, so an older pass never overwrites a newer one.
    """
    written = check
    if outcome.changed:
        end, written = await _write(key, check, outcome.status, sinks)
        if end is Published.REJECTED:
            # Better an unknown verdict than the last one that was accepted, for ever.
            return await _write(key, check, bare_status(check, outcome), sinks)
        if end is Published.STANDBY:
            sinks.board.put(key, check, assessment, outcome)  # to be shown when we take over
            return end, replace(check, status=outcome.status)
        if end is not Published.DONE:
            return end, check
    for event in outcome.events:
        sinks.events.emit(event)
    sinks.board.put(key, check, assessment, outcome)  # with the status that stood before
    return Published.DONE, written


async def _write(
    key: Key, check: TokenCheck, status: Mapping[str, Any], sinks: Sinks
) -> tuple[Published, TokenCheck]:
    if not (patch := merge_patch(check.status, status)):
        return Published.DONE, check
    result, version = await sinks.status.write(
        key, uid=check.uid, resource_version=check.resource_version, status=patch
    )
    if _ENDS[result] is not Published.DONE:
        return _ENDS[result], check
    written = replace(check, resource_version=version or check.resource_version, status=status)
    sinks.shelf.put_written(written)
    return Published.DONE, written
