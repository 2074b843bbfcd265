"""Whole electors in virtual time, over a store that compares versions as the API server does."""

import asyncio
from dataclasses import replace

import pytest

from tokencheck.engine.claim import Terms
from tokencheck.engine.clock import Clock
from tokencheck.engine.elector import Elector
from tokencheck.engine.hooks import Hooks
from tokencheck.engine.leadership import Leadership
from tokencheck.model.errors import ClusterError
from tokencheck.model.keys import Key
from tokencheck.model.lease import REPLICAS, Lease, lease_names

from .conftest import START, monotonic

TERMS = Terms()
LONGEST_TAKEOVER_S = 6.0


class Server:
    """Holds Leases; tells every change to whoever watches."""

    def __init__(self):
        self.leases = {}
        self.version = 0
        self.watchers = []
        self.writes = 0

    def put(self, lease):
        self.version += 1
        written = replace(lease, resource_version=str(self.version))
        self.leases[lease.name] = written
        self.tell(lease.name)
        return written

    def delete(self, name):
        del self.leases[name]
        self.tell(name)

    def tell(self, name):
        for store in self.watchers:
            store.told(name)


class Store:
    """One replica's way to the server: `mode` is what is wrong with it."""

    def __init__(self, server):
        self.server = server
        self.mode = "well"
        self.observe = lambda _name, _lease: None
        server.watchers.append(self)

    def told(self, name):
        if self.mode in ("well", "deaf to answers"):
            self.observe(name, self.server.leases.get(name))

    async def _pass(self):
        await asyncio.sleep(0.01)
        if self.mode == "cut":
            await asyncio.Event().wait()
        if self.mode == "refused":
            raise ClusterError("no right to the Lease", status=403)

    async def _answer(self):
        if self.mode == "deaf to answers":
            await asyncio.Event().wait()

    async def read(self, name):
        await self._pass()
        return self.server.leases.get(name)

    async def write(self, lease):
        await self._pass()
        stored = self.server.leases.get(lease.name)
        if (stored.resource_version if stored else "") != lease.resource_version:
            return None
        self.server.writes += 1
        written = self.server.put(lease)
        await self._answer()
        return written

    async def announce(self, beats):
        await self._pass()
        old = self.server.leases.get(REPLICAS) or Lease(name=REPLICAS)
        merged = {k: v for k, v in {**old.beats, **beats}.items() if v is not None}
        self.server.put(replace(old, beats=merged))


class Told(Hooks):
    def __init__(self):
        self.shards_taken = []
        self.news = []
        self.drains = []

    def taken(self, shard):
        self.shards_taken.append(shard)

    def warmed(self, shards):
        self.news.append(shards)

    async def drained(self, shard):
        self.drains.append(shard)


class Replica:
    def __init__(self, name, server, wall, shards=1):
        self.name = name
        self.store = Store(server)
        self.leadership = Leadership(lease_names(shards), monotonic)
        self.hooks = Told()
        clock = Clock(wall=wall, monotonic=monotonic)
        self.elector = Elector(name, self.store, self.leadership, clock, hooks=self.hooks)
        self.store.observe = self.elector.observe
        self.task = asyncio.ensure_future(self.elector.run())

    @property
    def leads(self):
        return {n for n in range(len(self.leadership.leases)) if self.leadership.holds(n)}

    async def stop(self):
        await self.elector.release()
        await self.gone()

    async def gone(self):
        """Ends without a word."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def until(holds, timeout_s=30.0):
    began = monotonic()
    while not holds():
        assert monotonic() < began + timeout_s
        await asyncio.sleep(0.01)
    return monotonic() - began


@pytest.fixture
def elect(virtual, wall):
    """Run `story(server, replicas)` with this many replicas, the first the leader of all."""

    def run(story, count=2, shards=1):
        async def told():
            server = Server()
            first = Replica("r0", server, wall, shards)
            await until(lambda: len(first.leads) == shards)
            replicas = [first, *(Replica(f"r{n}", server, wall, shards) for n in range(1, count))]
            await asyncio.sleep(0.5)
            try:
                await story(server, replicas)
            finally:
                for replica in replicas:
                    await replica.gone()

        virtual(told())

    return run


def test_a_free_lease_is_taken_at_once(virtual, wall):
    async def story():
        server = Server()
        replica = Replica("r0", server, wall)
        assert await until(lambda: replica.leads) < 0.1
        lease = server.leases["tokencheck"]
        assert (lease.holder, lease.duration_s, lease.transitions) == ("r0", 5.0, 0)
        assert lease.renewed_at.replace(microsecond=0) == START
        await replica.gone()

    virtual(story())


def test_a_crashed_leader_is_followed_when_its_lease_ends_and_not_before(elect):
    async def story(server, replicas):
        leader, other = replicas
        await leader.gone()
        took = await until(lambda: other.leads)
        assert TERMS.duration_s - TERMS.renew_every_s <= took <= LONGEST_TAKEOVER_S
        assert other.hooks.shards_taken == [0]
        assert server.leases["tokencheck"].transitions == 1

    elect(story)


def test_a_lead_that_lapsed_unseen_is_taken_anew(elect):
    """The loop stood still for longer than the belief: what passes held back since is due."""

    async def story(_, replicas):
        leader, _ = replicas
        assert leader.hooks.shards_taken == [0]
        asyncio.get_running_loop().stand_still(TERMS.belief_s)
        assert not leader.leads
        await until(lambda: leader.leads)
        await asyncio.sleep(0.1)
        assert leader.hooks.shards_taken == [0, 0]

    elect(story)


def test_a_released_lease_is_taken_at_once_after_all_writes_have_ended(elect):
    async def story(_, replicas):
        leader, other = replicas
        await leader.stop()
        assert leader.hooks.drains == [0]
        assert await until(lambda: other.leads) < 0.1
        assert not leader.leads

    elect(story)


def test_a_leader_whose_requests_hang_stops_by_its_own_clock_before_another_leads(elect):
    async def story(_, replicas):
        leader, other = replicas
        leader.store.mode = "cut"
        took = await until(lambda: not leader.leads)
        assert took <= TERMS.belief_s
        assert not other.leads
        await until(lambda: other.leads)
        leader.store.mode = "well"
        await asyncio.sleep(20)
        assert (bool(leader.leads), bool(other.leads)) == (False, True)

    elect(story)


def test_a_leader_that_gets_no_answers_leads_no_more_although_its_writes_arrive(elect):
    """What is written without an answer is not believed; nobody else can take it meanwhile."""

    async def story(server, replicas):
        leader, other = replicas
        leader.store.mode = "deaf to answers"
        await until(lambda: not leader.leads)
        assert not other.leads
        leader.store.mode = "well"
        await until(lambda: leader.leads)
        assert server.leases["tokencheck"].transitions == 0

    elect(story)


def test_a_lost_right_ends_leadership_says_why_and_comes_back(elect):
    async def story(_, replicas):
        leader, other = replicas
        for replica in replicas:
            replica.store.mode = "refused"
        await until(lambda: not leader.leads)
        await asyncio.sleep(10)
        assert not other.leads
        assert [r.elector.candidacies[0].trouble for r in replicas] == ["no right to the Lease"] * 2
        for replica in replicas:
            replica.store.mode = "well"
        await until(lambda: leader.leads or other.leads)

    elect(story)


def test_a_lease_that_is_deleted_goes_back_to_its_holder(elect):
    async def story(server, replicas):
        leader, other = replicas
        for _ in range(5):
            server.delete("tokencheck")
            await asyncio.sleep(0.5)
            assert server.leases["tokencheck"].holder == "r0"
            assert (bool(leader.leads), bool(other.leads)) == (True, False)

    elect(story)


def test_a_lease_that_is_another_s_ends_leadership_at_once(elect):
    async def story(server, replicas):
        leader, _ = replicas
        server.put(replace(server.leases["tokencheck"], holder="somebody"))
        assert await until(lambda: not leader.leads) < 0.1

    elect(story)


def test_without_a_watch_the_lease_is_still_taken_only_when_it_is_free(elect):
    async def story(_, replicas):
        leader, other = replicas
        other.store.told = lambda _name: None
        await asyncio.sleep(30)
        assert (bool(leader.leads), bool(other.leads)) == (True, False)
        await leader.gone()
        assert await until(lambda: other.leads) <= TERMS.duration_s + LONGEST_TAKEOVER_S

    elect(story)


def test_a_quiet_leader_renews_and_who_stands_by_writes_nothing(elect):
    async def story(server, _):
        before = server.writes
        await asyncio.sleep(100 * TERMS.renew_every_s)
        assert 95 <= server.writes - before <= 101

    elect(story)


def test_two_that_come_at_once_make_one_leader(virtual, wall):
    async def story():
        server = Server()
        both = [Replica("a", server, wall), Replica("b", server, wall)]
        await asyncio.sleep(1)
        assert sorted(bool(one.leads) for one in both) == [False, True]
        for one in both:
            await one.gone()

    virtual(story())


# Shards


def all_led_once(replicas, shards):
    led = [shard for replica in replicas for shard in replica.leads]
    return sorted(led) == list(range(shards))


def test_who_comes_gets_its_share_and_only_after_the_writes_of_it_have_ended(elect):
    async def story(_, replicas):
        first, second = replicas
        await until(lambda: all_led_once(replicas, 4) and len(second.leads) == 2)
        assert set(first.hooks.drains) == second.leads
        assert sorted(second.hooks.shards_taken) == sorted(second.leads)

    elect(story, shards=4)


def test_the_shards_of_who_goes_are_shared_out_among_those_that_stay(elect):
    async def story(_, replicas):
        await until(lambda: all_led_once(replicas, 7) and all(len(r.leads) > 1 for r in replicas))
        left = replicas[1:]
        await replicas[0].gone()
        took = await until(lambda: all_led_once(left, 7))
        assert took <= LONGEST_TAKEOVER_S
        assert sorted(len(r.leads) for r in left) == [3, 4]

    elect(story, count=3, shards=7)


def test_what_is_shared_out_does_not_move_any_more(elect):
    async def story(_, replicas):
        await until(lambda: all_led_once(replicas, 5) and all(r.leads for r in replicas))
        before = [replica.leads for replica in replicas]
        await asyncio.sleep(60)
        assert [replica.leads for replica in replicas] == before

    elect(story, count=3, shards=5)


def test_a_replica_keeps_warm_what_it_leads_and_what_it_would_lead_next(elect):
    async def story(_, replicas):
        await until(lambda: all_led_once(replicas, 6) and all(len(r.leads) == 2 for r in replicas))
        await asyncio.sleep(2)
        keys = {n: key_of(replicas[0].leadership, n) for n in range(6)}
        for shard, key in keys.items():
            assert sum(replica.leadership.concerns(key) for replica in replicas) == 2, shard
            (leader,) = [replica for replica in replicas if shard in replica.leads]
            assert leader.leadership.concerns(key)
        left, next_led = replicas[1:], [r.leadership.concerns for r in replicas[1:]]
        lost = replicas[0].leads
        expected = {n: [concerns(keys[n]) for concerns in next_led].index(True) for n in lost}
        await replicas[0].gone()
        await until(lambda: all_led_once(left, 6))
        assert {n: [n in r.leads for r in left].index(True) for n in lost} == expected

    elect(story, count=3, shards=6)


def key_of(leadership, shard):
    """A key of a namespace in this shard."""
    keys = (Key("TokenCheck", f"ns-{n}", "check") for n in range(1000))
    return next(key for key in keys if leadership.shard_of(key) == shard)
