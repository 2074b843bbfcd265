"""What happens around an election: who is told, and who is asked."""


class Hooks:
    """What an elector tells and asks; by default nobody listens."""

    def taken(self, shard: int) -> None:
        """Learn that a shard is ours from now on."""

    def warmed(self, shards: frozenset[int]) -> None:
        """Learn for which shards it changed whether they are ours to lead, now or next."""

    async def drained(self, shard: int) -> None:
        """Return when no write of the shard is under way any more."""
