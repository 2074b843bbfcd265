"""Shards are shared out evenly, equally in all eyes, and move as little as can be."""

from hypothesis import given
from hypothesis import strategies as st

from tokencheck.engine.shares import shard_of, share_out, successors

NAMES = st.sampled_from([f"replica-{n}" for n in range(7)])
REPLICAS = st.frozensets(NAMES, min_size=1, max_size=7)
SHARDS = st.integers(1, 24)
HELD = st.dictionaries(st.integers(0, 23), NAMES)


def within(held, shards):
    return {shard: holder for shard, holder in held.items() if shard < shards}


def loads(shares, replicas):
    return sorted(sum(of == replica for of in shares.values()) for replica in replicas)


@given(SHARDS, REPLICAS, HELD)
def test_every_shard_has_one_living_leader_and_loads_differ_by_one_at_most(shards, replicas, held):
    shares = share_out(shards, replicas, within(held, shards))
    assert set(shares) == set(range(shards))
    assert set(shares.values()) <= replicas
    numbers = loads(shares, replicas)
    assert numbers[-1] - numbers[0] <= 1


@given(SHARDS, REPLICAS, HELD)
def test_what_is_shared_out_stays_as_it_is(shards, replicas, held):
    shares = share_out(shards, replicas, within(held, shards))
    assert share_out(shards, replicas, shares) == shares


@given(SHARDS, REPLICAS, HELD, st.randoms())
def test_replicas_that_see_the_same_decide_the_same(shards, replicas, held, random):
    held = within(held, shards)
    shuffled = random.sample(sorted(replicas), len(replicas))
    again = dict(random.sample(sorted(held.items()), len(held)))
    assert share_out(shards, shuffled, again) == share_out(shards, replicas, held)


@given(SHARDS, REPLICAS, HELD)
def test_no_more_moves_than_evenness_asks_for(shards, replicas, held):
    """A holder that lives loses only what it has above the largest fair share or others lack."""
    held = within(held, shards)
    shares = share_out(shards, replicas, held)
    for replica in replicas:
        had = sum(of == replica for of in held.values())
        kept = sum(held.get(shard) == replica == of for shard, of in shares.items())
        assert kept >= min(had, shards // len(replicas))


@given(SHARDS, REPLICAS, HELD)
def test_the_successor_of_a_leader_gets_its_shards_when_it_is_gone(shards, replicas, held):
    shares = share_out(shards, replicas, within(held, shards))
    after = successors(shards, replicas, shares)
    for leader in set(shares.values()):
        left = replicas - {leader}
        own = {shard for shard, of in shares.items() if of == leader}
        if left:
            real = share_out(shards, left, shares)
            assert {s: after[s] for s in own} == {s: real[s] for s in own}
        else:
            assert not own & set(after)


def test_nobody_lives_and_nothing_is_shared_out():
    assert share_out(3, (), {0: "gone"}) == {}


@given(st.text(max_size=63), SHARDS)
def test_a_namespace_has_one_shard_for_ever(namespace, shards):
    assert 0 <= shard_of(namespace, shards) < shards
    assert shard_of(namespace, shards) == shard_of(namespace, shards)


def test_shards_are_the_same_in_every_process_and_about_even():
    assert [shard_of(name, 4) for name in ("", "shop", "billing", "team-7")] == [0, 2, 2, 0]
    counts = [0] * 8
    for number in range(8000):
        counts[shard_of(f"team-{number}", 8)] += 1
    assert min(counts) > 800
    assert max(counts) < 1200
