"""Who is told that a TokenProvider has more or fewer checks."""

from __future__ import annotations

from collections import Counter

from tokencheck.app.follow import Followers
from tokencheck.model.keys import MATCHING, Key
from tokencheck.notice.index import ReferenceIndex

CHECK = Key("TokenCheck", "shop", "checkout")
LOGIN, OTHER = Key("TokenProvider", "", "login"), Key("TokenProvider", "", "other")
SECRET = Key("Secret", "shop", "payments")


class NoWatches:
    """A cache that watches nothing."""

    def follow(self, _key: Key, _references: frozenset[Key]) -> None:
        pass

    def unfollow(self, _key: Key) -> None:
        pass


def test_a_provider_is_told_when_a_check_comes_or_goes_and_not_while_it_stays() -> None:
    told: Counter[Key] = Counter()
    followers = Followers(ReferenceIndex(), NoWatches(), lambda key: told.update([key]))  # type: ignore[arg-type]
    followers.follow(CHECK, frozenset({LOGIN, SECRET, MATCHING}))
    assert told == {LOGIN: 1}
    followers.follow(CHECK, frozenset({LOGIN, SECRET}))
    assert told == {LOGIN: 1}
    followers.also(CHECK, frozenset({OTHER}))
    assert told == {LOGIN: 1, OTHER: 1}
    followers.leave(CHECK, frozenset({OTHER}))
    assert told == {LOGIN: 1, OTHER: 2}
    followers.unfollow(CHECK)
    assert told == {LOGIN: 2, OTHER: 2}
