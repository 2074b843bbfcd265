"""Whether the process lives and whether it is ready, with reasons in words.

Not living means that only a restart helps: a watcher that ended, workers that stand still. An API
server that does not answer is no such reason (a restart would lose what the process remembers and
find the same silence); it only makes the process not ready.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tokencheck.model.admission import Enforcement
from tokencheck.web.sources import InformerState, Sources, by_resource

MAX_SILENCE_S = 150.0  # the API server sends a bookmark about each minute: two were missed
MAX_WAIT_S = 60.0
MAX_LAG_S = 5.0
MAX_LEADERLESS_S = 15.0  # a takeover takes less than six
_MAX_NAMESPACES = 20
_STILL_USED = "Unreadable"  # credentials that were read before are: verdicts are up to date
MAX_STUCK_S = 180.0  # three times the longest that a pass may run


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The answer to a probe.

    Args:
        reasons: what is wrong and what to do; empty when all is well.
        facts: what it was judged by, as JSON values.
    """

    reasons: tuple[str, ...]
    facts: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Return whether nothing is wrong."""
        return not self.reasons


def liveness_of(sources: Sources) -> Health:
    """Return whether the process can do its work without being restarted."""
    return Health(reasons=tuple(_fatal(sources)), facts=_facts(sources))


def readiness_of(sources: Sources) -> Health:
    """Return whether verdicts are up to date: all seen, nothing silent, nothing waiting long."""
    reasons = (*_fatal(sources), *_unknown_there(sources), *_behind(sources))
    return Health(reasons=reasons, facts=_facts(sources))


def _fatal(sources: Sources) -> Iterator[str]:
    for state in by_resource(sources.informers()):
        if not state.alive:
            yield f"the watch of {state.resource} has ended; restart the operator and read its log"
    stuck_s = sources.stuck_s()
    if stuck_s > MAX_STUCK_S:
        yield (
            f"no check has ended for {stuck_s:.0f} s although some are due; "
            "restart the operator and read its log"
        )


def _unknown_there(sources: Sources) -> Iterator[str]:
    for trouble, words in sources.credentials().items():
        if words and trouble != _STILL_USED:
            yield words


def _behind(sources: Sources) -> Iterator[str]:
    for state in by_resource(sources.informers()):
        if not state.synced:
            yield (
                f"the first list of {state.resource} is not complete; if this lasts, check "
                f"that the operator may list and watch {state.resource}"
            )
        elif state.silent_s > MAX_SILENCE_S:
            yield (
                f"the API server has said nothing about {state.resource} for "
                f"{state.silent_s:.0f} s; check the network between the operator and the API server"
            )
    for lease in sources.leases():
        if not lease.leads and lease.age_s > MAX_LEADERLESS_S:
            yield (
                f"nobody has led {lease.name} for {lease.age_s:.0f} s: "
                + (lease.trouble or "is a replica running that may write it?")
            )
    oldest_s, lag_s = sources.queue_oldest_s(), sources.loop_lag_s()
    if oldest_s > MAX_WAIT_S:
        yield f"a check has been due for {oldest_s:.0f} s; is the API server slow?"
    if lag_s > MAX_LAG_S:
        yield f"the operator was late by {lag_s:.1f} s; give it more CPU"


def _facts(sources: Sources) -> dict[str, Any]:
    return {
        "time": sources.wall().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "informers": {
            state.resource: _informer(state) for state in by_resource(sources.informers())
        },
        "leases": {
            lease.name: {
                "holder": lease.holder,
                "leads": lease.leads,
                "ageSeconds": round(lease.age_s, 3),
            }
            for lease in sources.leases()
        },
        "queueDepth": sources.queue_depth(),
        "queueOldestSeconds": round(sources.queue_oldest_s(), 3),
        "stuckSeconds": round(sources.stuck_s(), 3),
        "loopLagSeconds": round(sources.loop_lag_s(), 3),
        "tasks": sources.tasks(),
        "passesFailed": sources.passes_failed(),
        "apiRequests": {" ".join(of): n for of, n in sorted(sources.api_requests().items())},
        "apiRetries": dict(sources.api_retries()),
        "credentials": {
            trouble: words for trouble, words in sources.credentials().items() if words
        },
        "apiserverClockSkewSeconds": round(sources.apiserver_skew_s(), 1),
        "kopfRestarts": sources.kopf_restarts(),
        "admission": _admission(sources.admission()),
    }


def _admission(known: Mapping[str, Enforcement]) -> dict[str, Any]:
    """Return how many namespaces are proven, and the first of those that are not."""
    unproven = {
        name: str(found) for name, found in known.items() if found is not Enforcement.PROVEN
    }
    first = dict(sorted(unproven.items())[:_MAX_NAMESPACES])
    return {
        "proven": len(known) - len(unproven),
        "unproven": len(unproven),
        "namespaces": first,
    }


def _informer(state: InformerState) -> dict[str, Any]:
    return {
        "synced": state.synced,
        "alive": state.alive,
        "denied": state.denied,
        "silentSeconds": round(state.silent_s, 3),
        "restarts": sum(state.restarts.values()),
    }
