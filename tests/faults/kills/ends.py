"""How a scene ended, as text that two runs of it have in common when they ended alike."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from cluster.shop import Object

# When it happened and which object it was is each run's own.
_OWN = frozenset({"resourceVersion", "since", "uid"})
# They come and go by the clock, after every verdict; the scenes end sooner or later than that.
_PULSES = ("Reconciling", "Stalled")
_TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def end_of(namespace: str, *found: Object | None) -> str:
    """The statuses of these objects, without what is each run's own; an object may be gone."""
    statuses = [one and _without_own(one.get("status", {})) for one in found]
    text = json.dumps(statuses, indent=1, sort_keys=True).replace(namespace, "NS")
    return _TIMES.sub("TIME", text)


def differences(wanted: str, found: str) -> Iterator[str]:
    """The lines that only one of two ends has."""
    ours, theirs = wanted.splitlines(), found.splitlines()
    yield from (f"missing {line.strip()}" for line in ours if line not in theirs)
    yield from (f"instead {line.strip()}" for line in theirs if line not in ours)


def _without_own(value: object) -> object:
    if isinstance(value, dict):
        kept = {name: one for name, one in value.items() if not _is_own(name)}
        return {name: _without_own(one) for name, one in kept.items()}
    if isinstance(value, list):
        return [_without_own(one) for one in value if not _is_pulse(one)]
    return value


def _is_own(name: str) -> bool:
    return name in _OWN or name.endswith("Time")


def _is_pulse(value: object) -> bool:
    return isinstance(value, dict) and value.get("type") in _PULSES
