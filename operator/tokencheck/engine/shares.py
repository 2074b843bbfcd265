"""How shards are shared out among the replicas that live. Pure, and equal for all who see the same.

Whoever sees something else for a moment does no harm: a shard is led by the holder of its Lease,
and of two who want one the Lease takes the first.
"""

from collections.abc import Collection, Mapping
from zlib import crc32


def shard_of(namespace: str, shards: int) -> int:
    """Return the shard of a namespace ("" of what has none): equal in every process, for ever."""
    return crc32(namespace.encode()) % shards


def share_out(shards: int, replicas: Collection[str], held: Mapping[int, str]) -> Mapping[int, str]:
    """Return who shall lead each shard: loads differ by one at most, and as little moves as can be.

    Args:
        shards: how many there are, counted from 0.
        replicas: identities of those that live.
        held: holders of the shards that are held; those that do not live lose theirs.

    Returns:
        a replica for each shard; nothing when no replica lives.
    """
    loads: dict[str, list[int]] = {replica: [] for replica in sorted(replicas)}
    if not loads:
        return {}
    free: list[int] = []
    for shard in range(shards):
        loads.get(held.get(shard, ""), free).append(shard)
    for shard in free:
        loads[_least(loads)].append(shard)
    while len(loads[most := _most(loads)]) - len(loads[least := _least(loads)]) > 1:
        loads[least].append(loads[most].pop())
    return {shard: replica for replica, own in loads.items() for shard in own}


def successors(
    shards: int, replicas: Collection[str], leaders: Mapping[int, str]
) -> dict[int, str]:
    """Return who would lead each shard if its leader were gone; none where it is alone."""
    found: dict[int, str] = {}
    for leader in set(leaders.values()):
        others = set(replicas) - {leader}
        after = share_out(shards, others, leaders)
        found.update(
            {shard: after[shard] for shard, of in leaders.items() if of == leader and after}
        )
    return found


def _least(loads: Mapping[str, Collection[int]]) -> str:
    return min(loads, key=lambda replica: (len(loads[replica]), replica))


def _most(loads: Mapping[str, Collection[int]]) -> str:
    return max(loads, key=lambda replica: (len(loads[replica]), replica))
