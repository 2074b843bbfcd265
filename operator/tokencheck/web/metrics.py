"""Every metric of the process: counters and facts of the whole, then the series of each check.

The only importer of prometheus_client. Nothing is registered globally and nothing is kept between
scrapes, so what is deleted vanishes. Labels are names of objects, closed lists and the owner's
name: never a claim or a token.
"""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from tokencheck.core.outcome.condition import Type
from tokencheck.model.admission import Enforcement
from tokencheck.model.rounds import Account, Progress
from tokencheck.web.board import ResultBoard
from tokencheck.web.series import STATUSES, rendered
from tokencheck.web.sources import Sources, by_resource
from tokencheck.web.tally import Distribution, Tally

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Samples: TypeAlias = Iterable[tuple[tuple[str, ...], float]]


class Metrics:
    """What /metrics says."""

    def __init__(self, board: ResultBoard, tally: Tally, sources: Sources, version: str) -> None:
        """Read from these at each scrape; `version` is that of tokencheck."""
        self._board = board
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Totals(board, tally, sources, version))
        ProcessCollector(registry=self._registry)

    def scrape(self) -> Iterator[bytes]:
        """Yield the whole text in pieces; between two of them the caller may let others run."""
        yield generate_latest(self._registry)
        for piece in rendered(self._board.entries()):
            yield piece.encode()


class _Totals(Collector):
    """Counters and facts that are about the process, a few hundred series at most."""

    def __init__(self, board: ResultBoard, tally: Tally, sources: Sources, version: str) -> None:
        """Read from these."""
        self._board = board
        self._tally = tally
        self._sources = sources
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Yield all families."""
        yield _gauge(
            "build_info",
            "Version of tokencheck and of Python.",
            ("version", "python"),
            [((self._version, platform.python_version()), 1)],
        )
        yield from self._counted()
        yield from self._process()
        yield from self._requests()
        yield from _informers(self._sources)
        yield from _leases(self._sources)
        yield from _providers(self._sources)
        yield from _introspections(self._sources)
        if (progress := self._sources.cluster_checks()) is not None:
            yield from _cluster_checks(progress)
        yield _gauge(
            "admission_policy_enforced",
            "1 when a dry run proved that admission asks for the rights of authors, else 0.",
            ("namespace",),
            (((n,), found is Enforcement.PROVEN) for n, found in self._sources.admission().items()),
        )
        bypassed = sum((str(Type.BYPASSED), "True") in e.conditions for e in self._board.entries())
        yield _gauge(
            "bypassed_checks",
            "TokenChecks whose gate break-glass holds open.",
            (),
            [((), bypassed)],
        )

    def _counted(self) -> Iterator[Metric]:
        tally = self._tally
        yield _counter(
            "checks",
            "Findings of all passes, by check and result.",
            ("check", "result"),
            (((str(check), str(result)), count) for (check, result), count in tally.checks.items()),
        )
        yield _counter(
            "drifts",
            "Tokens that drifted from their baseline, by what changed.",
            ("kind",),
            (((kind,), count) for kind, count in tally.drifts.items()),
        )
        yield _counter(
            "status_writes",
            "Status writes, by how they ended.",
            ("result",),
            (((str(result),), count) for result, count in tally.status_writes.items()),
        )
        yield _histogram(
            "check_duration_seconds", "How long a pass over a TokenCheck takes.", tally.durations
        )
        yield _histogram(
            "reaction_seconds",
            "From a Secret's change being seen to the status being written.",
            tally.reactions,
        )

    def _process(self) -> Iterator[Metric]:
        sources = self._sources
        for name, text, ask in (
            ("queue_depth", "Objects that wait for a pass.", sources.queue_depth),
            (
                "queue_oldest_seconds",
                "For how long the first of them has waited.",
                sources.queue_oldest_s,
            ),
            ("events_waiting", "Events that are not written yet.", sources.events_waiting),
            (
                "loop_lag_seconds",
                "Worst lag of the event loop in the last half minute.",
                sources.loop_lag_s,
            ),
            (
                "apiserver_clock_skew_seconds",
                "By how much the API server's clock is ahead; 0 when the clocks may agree.",
                sources.apiserver_skew_s,
            ),
        ):
            yield _gauge(name, text, (), [((), ask())])
        for name, text, count in (
            ("passes_failed", "Passes that ended in error or time-out.", sources.passes_failed),
            (
                "kopf_restarts",
                "How often the watch of TokenChecks was started again.",
                sources.kopf_restarts,
            ),
        ):
            yield _counter(name, text, (), [((), count())])

    def _requests(self) -> Iterator[Metric]:
        sources = self._sources
        yield _counter(
            "events_dropped",
            "Events that were not written, by reason.",
            ("reason",),
            (((reason,), count) for reason, count in sources.events_dropped().items()),
        )
        yield _counter(
            "api_requests",
            "Requests to the API server, by HTTP status; 0 where no answer came.",
            ("verb", "resource", "code"),
            sources.api_requests().items(),
        )
        yield _counter(
            "api_retries",
            "Requests to the API server that were sent again, by reason.",
            ("reason",),
            (((reason,), count) for reason, count in sources.api_retries().items()),
        )
        yield _gauge(
            "api_credentials_failing",
            "1 while the credentials for the API server are so.",
            ("reason",),
            (((reason,), bool(words)) for reason, words in sources.credentials().items()),
        )
        yield _counter(
            "api_throttled_seconds",
            "Seconds that requests to the API server waited, by who made them wait.",
            ("by",),
            (((by,), seconds) for by, seconds in sources.api_throttled_s().items()),
        )


def _informers(sources: Sources) -> Iterator[Metric]:
    states = by_resource([*sources.informers(), *sources.keepers_informers()])
    yield _gauge(
        "informer_synced",
        "1 when a watch has its first full picture.",
        ("resource",),
        (((state.resource,), state.synced) for state in states),
    )
    yield _gauge(
        "informer_denied",
        "1 when the operator may not list or watch some of it.",
        ("resource",),
        (((state.resource,), state.denied) for state in states),
    )
    yield _gauge(
        "informer_last_event_timestamp_seconds",
        "When the API server last told a watch anything: a list, an event or a bookmark.",
        ("resource",),
        (
            ((state.resource,), state.last_event_at.timestamp())
            for state in states
            if state.last_event_at
        ),
    )
    yield _counter(
        "watch_restarts",
        "Watches that were started again, by why they ended.",
        ("resource", "reason"),
        (
            ((state.resource, reason), count)
            for state in states
            for reason, count in state.restarts.items()
        ),
    )


def _leases(sources: Sources) -> Iterator[Metric]:
    states = sources.leases()
    yield _gauge(
        "leader",
        "1 when this process leads by the Lease, else 0.",
        ("lease",),
        (((state.name,), state.leads) for state in states),
    )
    yield _gauge(
        "lease_age_seconds",
        "Seconds since the Lease was last seen to be renewed.",
        ("lease",),
        (((state.name,), state.age_s) for state in states),
    )
    yield _counter(
        "lease_transitions",
        "How often the Lease went to another holder.",
        ("lease",),
        (((state.name,), state.transitions) for state in states),
    )


def _providers(sources: Sources) -> Iterator[Metric]:
    states = sources.providers()
    yield _gauge(
        "provider_up",
        "1 when a provider gave its keys when it was last asked for them.",
        ("provider",),
        (((state.name,), state.up) for state in states if state.up is not None),
    )
    yield _gauge(
        "provider_keys",
        "Usable public keys that a provider gave.",
        ("provider",),
        (((state.name,), state.keys) for state in states),
    )
    yield _gauge(
        "provider_keys_timestamp_seconds",
        "When a provider last gave its keys.",
        ("provider",),
        (((state.name,), state.read_at) for state in states if state.read_at is not None),
    )
    yield _counter(
        "provider_requests",
        "How often a provider was asked for its keys, by outcome: Answered or a reason.",
        ("provider", "outcome"),
        sources.provider_requests().items(),
    )


def _introspections(sources: Sources) -> Iterator[Metric]:
    states = sources.introspections()
    yield _gauge(
        "introspection_up",
        "1 when a provider answered when it was last asked about a token.",
        ("provider",),
        (((state.name,), state.up) for state in states),
    )
    yield _gauge(
        "introspection_answer_timestamp_seconds",
        "When a provider last said whether a token is active.",
        ("provider",),
        (((s.name,), s.answered_at) for s in states if s.answered_at is not None),
    )
    yield _counter(
        "introspection_requests",
        "How often a provider was asked about tokens, by outcome: Answered or a reason.",
        ("provider", "outcome"),
        sources.introspection_requests().items(),
    )


def _cluster_checks(progress: Progress) -> Iterator[Metric]:
    yield _counter(
        "cluster_check_steps",
        "TokenChecks that were made, renewed and removed for ClusterTokenChecks, by how it ended.",
        ("step", "result"),
        progress.steps.items(),
    )
    ages = [] if progress.age_s is None else [((), progress.age_s)]
    yield _gauge(
        "cluster_check_round_age_seconds",
        "Seconds since a round over all ClusterTokenChecks ended that knew all that it needed.",
        (),
        ages,
    )
    yield _gauge(
        "cluster_check_condition",
        "1 for the status that a condition of a ClusterTokenCheck has.",
        ("name", "condition", "status"),
        (
            ((name, kind, status), status == now)
            for name, account in progress.accounts.items()
            for kind, now in account.conditions
            for status in STATUSES
        ),
    )
    for metric, text, label, counts in _OF_EACH:
        yield _gauge(
            f"cluster_check_{metric}",
            text,
            ("name", label),
            (
                ((name, word), number)
                for name, account in progress.accounts.items()
                for word, number in counts(account).items()
            ),
        )


_OF_EACH: tuple[tuple[str, str, str, Callable[[Account], Mapping[str, int]]], ...] = (
    ("workloads", "Selected workloads, by what became of them.", "outcome", lambda a: a.workloads),
    ("tokenchecks", "TokenChecks that it keeps, by verdict.", "verdict", lambda a: a.verdicts),
    (
        "steps_waiting",
        "TokenChecks that are still to be made, renewed or removed.",
        "step",
        lambda a: a.waiting,
    ),
    ("refused", "TokenChecks that could not be written, by cause.", "cause", lambda a: a.refused),
)


def _gauge(name: str, text: str, labels: tuple[str, ...], samples: _Samples) -> Metric:
    return _filled(GaugeMetricFamily(f"tokencheck_{name}", text, labels=labels), samples)


def _counter(name: str, text: str, labels: tuple[str, ...], samples: _Samples) -> Metric:
    return _filled(CounterMetricFamily(f"tokencheck_{name}", text, labels=labels), samples)


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily, samples: _Samples
) -> GaugeMetricFamily | CounterMetricFamily:
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _histogram(name: str, text: str, measures: Distribution) -> Metric:
    family = HistogramMetricFamily(f"tokencheck_{name}", text)
    family.add_metric((), buckets=list(measures.cumulated()), sum_value=measures.sum)
    return family
