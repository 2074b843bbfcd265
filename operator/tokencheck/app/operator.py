"""The operator's process: everything is made, joined, started and stopped here, nothing is decided.

Start: own kinds are listed once, Kopf watches them, the engine's gate opens, and passes ask for the
watches that they need. Stop: no new work, running passes end, events are written, connections
close.
"""

import asyncio
import gc
import logging
import random
import secrets
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import aiohttp

from tokencheck import __version__
from tokencheck.api.tokencheck import BYPASS_ANNOTATIONS
from tokencheck.app.admission import AdmissionProof
from tokencheck.app.cluster_checks import ClusterChecks
from tokencheck.app.compare import Compare
from tokencheck.app.election import (
    Election,
    Handover,
    leadership_of,
    others_lead,
)
from tokencheck.app.facts import facts_of, with_cluster_checks
from tokencheck.app.follow import Followers
from tokencheck.app.kopf_watch import KopfWatch
from tokencheck.app.logs import set_up_logs, tell_class_only, tell_end
from tokencheck.app.own_kinds import OwnKinds
from tokencheck.app.passes import CountedStatus, Passes, Role
from tokencheck.app.recovery import Recovery
from tokencheck.app.roads import Roads, connect, open_roads
from tokencheck.app.settings import Settings
from tokencheck.app.skew import ApiServerClock
from tokencheck.clients.egress.client import Egress
from tokencheck.clients.kube.cache import Cache, Parsers
from tokencheck.clients.kube.decode import Identity
from tokencheck.clients.kube.events import EventRecorder
from tokencheck.clients.kube.extents import Extents
from tokencheck.clients.kube.objects import OwnObjects
from tokencheck.clients.kube.rbac import RbacReader
from tokencheck.clients.kube.requesters import Requesters
from tokencheck.clients.kube.status import StatusWriter
from tokencheck.clients.kube.token_reviews import TokenReviewer
from tokencheck.clients.kube.transport import Transport
from tokencheck.clients.kube.watching import NORMAL
from tokencheck.core.workloads.parse import parse_workload
from tokencheck.core.workloads.pods import parse_pod
from tokencheck.engine.clock import Clock
from tokencheck.engine.engine import Engine
from tokencheck.gather.introspector import Introspector
from tokencheck.gather.keyring import KeyRing
from tokencheck.gather.memory import Recollection
from tokencheck.gather.sources import Sources
from tokencheck.model.change import Cause, Change
from tokencheck.model.errors import TokencheckError
from tokencheck.model.keys import Key
from tokencheck.notice.feed import Feed
from tokencheck.notice.index import ReferenceIndex
from tokencheck.notice.queue import Queue
from tokencheck.publish.publish import Sinks
from tokencheck.publish.standby import Standby
from tokencheck.web.board import ResultBoard
from tokencheck.web.metrics import Metrics
from tokencheck.web.server import Server, make_app
from tokencheck.web.tally import Tally

COLLECT_AFTER = (10_000, 20, 50)  # allocations, then collections of the younger generation
COUNT_AFTER_S = 5.0  # a provider says how many checks name it: a start is not a write for each
BUG = 70  # EX_SOFTWARE of sysexits.h
OWN_KINDS = frozenset({"TokenCheck", "TokenProvider"})

_log = logging.getLogger(__name__)


def run(settings: Settings) -> int:
    """Run the operator until SIGTERM or SIGINT; return the exit code.

    A bug that ends it is told by its class and place alone: Python would print its text, and a
    token may stand in that.
    """
    set_up_logs(settings.log_level)
    spare_collections()
    try:
        return asyncio.run(_main(settings))
    except TokencheckError:
        raise  # said to the user by the command line, in our own words
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it is
        tell_end(error)
        return BUG


def spare_collections() -> None:
    """Let the collector look at new objects only, and less often.

    What was imported lives as long as the process, and nearly all that a pass makes is freed by
    its reference count. Full collections still come, so that cycles do not pile up.
    """
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def _main(settings: Settings) -> int:
    asyncio.get_running_loop().set_exception_handler(tell_class_only)
    roads = await open_roads(settings)
    operator = Operator(settings, roads)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        await operator.run(stop)
    finally:
        await roads.close()
    return 0


class Operator:
    """All parts of one running operator."""

    def __init__(self, settings: Settings, roads: Roads) -> None:
        """Make and join the parts; nothing runs yet."""
        # So that Kopf's sessions lead to the same cluster, whatever is the current one by then.
        self._settings = replace(settings, context=roads.main.credentials.context)
        self._loop: asyncio.AbstractEventLoop | None = None
        index = ReferenceIndex()
        memory = Recollection()
        role = Role(leadership=leadership_of(settings), standby=Standby(memory))
        self._queue = Queue(random.random)
        self._feed = feed = Feed(index, self._queue, OWN_KINDS)
        self._cache = Cache(
            roads.main,
            parsers=Parsers(workload=parse_workload, pod=parse_pod),
            on_change=feed.notice,
            scope=settings.scope,
            pace=replace(NORMAL, compare_s=settings.relist_every_s),
        )
        self._events = EventRecorder(roads.main, instance=socket.gethostname(), clock=_now)
        self._tally = Tally()
        self._board = ResultBoard(time.time, self._tally, leads=role.leadership.leads)
        self._kopf = KopfWatch(self._kopf_session, self._from_kopf)
        self._writing: set[Key] = set()
        self._own_kinds = OwnKinds(
            self._cache,
            feed.notice,
            time.monotonic,
            writing=self._writing.__contains__,
            others=others_lead(role),
        )
        self._compare = Compare(
            OwnObjects(roads.main),
            self._cache.versions,
            self._own_kinds,
            every_s=settings.compare_every_s,
            rewound=self._kopf.restart,
        )
        self._make_writers(roads, role)
        self._make_askers(roads.main, role)
        followers = Followers(index, self._cache, self._count_again)
        self._engine = self._make_engine(followers, memory, role)
        self._server = self._make_server(roads)

    def _make_writers(self, roads: Roads, role: Role) -> None:
        transport = roads.main
        self._recovery = Recovery(self._try_again)
        self._status = CountedStatus(
            StatusWriter(transport, leads=role.leadership.leads),
            self._tally,
            self._recovery,
            look=self._compare.look,
            writing=self._writing,
        )
        self._handover = Handover(
            role, self._queue, self._cache, writing=self._writing, events=self._events
        )
        self._election = Election(self._settings, roads.leases, role, self._handover)
        self._cluster_checks = (
            ClusterChecks(
                roads.making,
                role.leadership,
                self._tally,
                every_s=self._settings.relist_every_s,
            )
            if roads.making
            else None
        )
        self._admission = AdmissionProof(
            transport,
            self._cache.namespaces,
            role.leadership.leads,
            changed=self._judge_bypassed_again,
            stamps=self._settings.review_authors,
            every_s=self._settings.prove_every_s,
        )
        self._theirs = ApiServerClock(Clock(wall=_now, monotonic=time.monotonic))
        transport.on_answer = self._theirs.hear

    def _make_askers(self, transport: Transport, role: Role) -> None:
        self._permissions, self._extents = Requesters(transport), Extents(transport)
        often = timedelta(seconds=self._settings.read_rbac_every_s)
        self._policies = RbacReader(transport, often=often)
        self._reviews = self._permissions if self._settings.review_authors else None
        egress = Egress()
        self._keyring = KeyRing(
            egress,
            clock=_now,
            chance=random.random,
            changed=self._tell,
            may_ask=role.leadership.leads_any,
        )
        self._introspector = Introspector(
            egress,
            self._cache,
            self._settings.own_namespace,
            clock=_now,
            chance=random.random,
            changed=self._tell,
            may_ask=role.leadership.leads,
            enforced=self._admission.of,
            reviews=TokenReviewer(transport),
        )

    def _make_engine(self, followers: Followers, memory: Recollection, role: Role) -> Engine:
        sources = Sources(
            inventory=self._cache,
            memory=memory,
            interest=followers,
            own_namespace=self._settings.own_namespace,
            guards_bypass=self._admission.guards_bypass,
            fingerprint_key=secrets.token_bytes(32),
            watched=self._settings.watches,
            keyring=self._keyring,
            liveness=self._introspector,
            reviews=self._reviews,
            permissions=self._permissions,
            extents=self._extents,
            policies=self._policies,
        )
        sinks = Sinks(
            status=self._status, events=self._events, board=self._board, shelf=self._cache
        )
        passes = Passes(
            sources,
            sinks,
            self._status,
            self._tally,
            time.monotonic,
            settle=self._own_kinds.settle,
            role=role,
        )
        self._handover.tell_again = passes.tell_again
        return Engine(
            self._queue,
            {"TokenCheck": passes.check, "TokenProvider": passes.provider},
            Clock(wall=_now, monotonic=time.monotonic),
            workers=self._settings.workers,
            observe=self._observe,
            on_set_back=self._judge_all_again,
        )

    def _tell(self, key: Key, cause: Cause) -> None:
        self._feed.notice(Change(key=key, cause=cause, seen_at=time.monotonic()))

    def _judge_all_again(self, set_back_s: float) -> None:
        _log.warning("the clock was set back by %.1f s; all checks are judged again", set_back_s)
        for kind in OWN_KINDS:
            for key in self._cache.versions(kind):
                self._queue.add(key, Cause.CLOCK_SET_BACK, time.monotonic())

    def _judge_bypassed_again(self, namespaces: frozenset[str]) -> None:
        """No watch tells that break-glass is guarded there now, or is not any more."""
        for key in self._cache.versions("TokenCheck"):
            check = self._cache.check(key) if key.namespace in namespaces else None
            if check and not check.annotations.keys().isdisjoint(BYPASS_ANNOTATIONS):
                self._queue.add(key, Cause.ADMISSION_CHANGED, time.monotonic())

    def _count_again(self, key: Key) -> None:
        self._queue.add(key, Cause.REFERENCE_CHANGED, time.monotonic(), COUNT_AFTER_S)

    def _try_again(self, key: Key) -> None:
        self._queue.add(key, Cause.RETRY, time.monotonic())

    def _observe(self, kind: str, seconds: float) -> None:
        if kind == "TokenCheck":
            self._tally.took(seconds)

    def _make_server(self, roads: Roads) -> Server:
        facts = facts_of(
            roads=roads,
            cache=self._cache,
            queue=self._queue,
            engine=self._engine,
            events=self._events,
            kopf=self._kopf,
            compare=self._compare,
            election=self._election,
            keyring=self._keyring,
            introspector=self._introspector,
            clock=self._theirs,
            admission=self._admission,
        )
        facts = with_cluster_checks(facts, self._cluster_checks)
        return Server(make_app(Metrics(self._board, self._tally, facts, __version__), facts))

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; an error of the engine itself ends the process."""
        self._loop = asyncio.get_running_loop()
        port = await self._server.start(self._settings.listen_host, self._settings.listen_port)
        _log.info("tokencheck %s listens on port %d", __version__, port)
        tasks = [
            asyncio.create_task(self._compare.run()),
            asyncio.create_task(self._events.run()),
            asyncio.create_task(self._recovery.run()),
            asyncio.create_task(self._engine.run(self._compare.synced)),
            asyncio.create_task(self._spare_the_settled()),
            asyncio.create_task(self._election.run()),
            asyncio.create_task(self._admission.run()),
        ]
        if self._cluster_checks is not None:
            tasks.append(asyncio.create_task(self._cluster_checks.run()))
        self._kopf.start()
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()  # one that ended by itself ended by a bug: let it be seen
        finally:
            await self._shut_down([*tasks, stopped])

    async def _shut_down(self, tasks: list[asyncio.Task[Any]]) -> None:
        await self._engine.stop()
        await self._keyring.close()
        await self._introspector.close()
        await self._events.drain()
        await self._election.release()
        await asyncio.to_thread(self._kopf.stop)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._cache.close()
        await self._server.stop()
        _log.info("stopped")

    async def _spare_the_settled(self) -> None:
        """Keep what the start has made out of later collections, once all is judged, then wait.

        It lives as long as its checks do, and a collection that walks 1,000 of them costs more than
        a pass. Nothing is lost by it: what is frozen still ends with its last reference.
        """
        await self._compare.synced.wait()
        while self._queue.depth or self._queue.running:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.5)
        gc.collect()
        gc.freeze()
        await asyncio.Event().wait()

    async def _kopf_session(self) -> tuple[aiohttp.ClientSession, str]:
        """Return a session for Kopf's own loop; nothing of it is shared with ours.

        Kopf looks once, after this, for what it can watch: before our kinds can be listed (no CRDs
        or no rights yet, or not any more) it would find nothing, and watch nothing for ever. And
        whom the server refuses, it would ask again at once: the compare asks in growing pauses.
        """
        since = time.monotonic() if self._kopf.logins > 1 else 0.0
        self._have_done(self._compare.soon)
        while not self._compare.synced.is_set() or (self._compare.listed_at or 0.0) < since:  # noqa: ASYNC110 - of another loop
            await asyncio.sleep(0.1)
        transport = await connect(self._settings)
        opened = partial(self._have_done, self._compare.opened)
        session = transport.session(watching=opened, known=self._known_to_us)
        return session, transport.server

    def _known_to_us(self, meta: Identity) -> bool | None:
        """Say in Kopf's thread whether a change of a TokenCheck can be spared; see `OwnKinds`."""
        return self._own_kinds.is_known(meta.place, meta.uid, meta.resource_version)

    def _from_kopf(self, kind: str, event: str | None, obj: Mapping[str, Any]) -> None:
        self._have_done(self._own_kinds.receive, kind, event, obj)

    def _have_done(self, act: Callable[..., None], *args: object) -> None:
        """Have the engine's loop do it. To be called from any thread, such as Kopf's."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act, *args)


def _now() -> datetime:
    return datetime.now(UTC)
