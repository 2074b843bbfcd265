"""What a pass wants written, said and done next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tokencheck.model.keys import Key


class EventType(StrEnum):
    """Source: events.k8s.io/v1, Event.type."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that changed, for people. Source: events.k8s.io/v1.

    Args:
        regarding: the object it is about (TokenCheck or workload), with its apiVersion and uid.
        reason: CamelCase name of the list in the design.
        note: at most 1024 bytes; no token text.
        action: what the controller did, CamelCase.
        about: which transition it tells of, the same in every process and at every time; Events of
            one transition are one Event.
        at: when that was, if it was before this process looked.
    """

    regarding: Key
    api_version: str
    uid: str
    type: EventType
    reason: str
    note: str
    action: str = "CheckToken"
    about: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a pass.

    Args:
        status: the whole new status, JSON values; equal to the old one when nothing is to be
            written.
        changed: whether it must be written.
        events: transitions, said once.
        wake_at: when to look again with nothing happening.
    """

    status: Mapping[str, Any]
    changed: bool
    events: tuple[Event, ...] = ()
    wake_at: datetime | None = None
