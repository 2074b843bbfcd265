"""Tokens of every fate: valid, ending soon, ended, of a stranger, for others, cut off."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from cluster.shop import SCOPES, Signer


class Tokens:
    """Makes them; each carries the run's canary in a claim that nobody may show."""

    def __init__(self, signer: Signer, chance: random.Random, canary: str) -> None:
        self._signer = signer
        self._random = chance
        self._canary = canary
        self._stranger = Signer()
        self._unknown = Signer(kid="shop-9")

    def good(self) -> str:
        """One that every spec of the world takes, but for its audience."""
        return self._signed()

    def drifted(self) -> str:
        """As good, and it may do more than the one that was accepted."""
        return self._too_broad()

    def any(self) -> str:
        """One of any kind; half of them are good."""
        kinds: dict[Callable[[], str], int] = {
            self.good: 40,
            self._ends_soon: 14,
            self._starts_soon: 5,
            self._expired: 7,
            self._of_a_stranger: 7,
            self._of_an_unknown_key: 4,
            self._for_others: 5,
            self._of_another_subject: 3,
            self._too_narrow: 4,
            self._too_broad: 4,
            self._cut_off: 7,
            self._with_newline: 6,
            self._ends_in_words: 4,
        }
        return self._random.choices(list(kinds), list(kinds.values()))[0]()

    def _signed(self, **changed: object) -> str:
        return self._signer.token(canary=self._canary, **changed)

    def _ends_soon(self) -> str:
        now = int(time.time())
        return self._signed(iat=now, exp=now + self._random.randint(3, 12))

    def _starts_soon(self) -> str:
        return self._signed(nbf=int(time.time()) + self._random.randint(3, 9))

    def _expired(self) -> str:
        now = int(time.time())
        return self._signed(iat=now - 7200, exp=now - self._random.randint(1, 3600))

    def _ends_in_words(self) -> str:
        """Who reads its end as a number has an exception that quotes it."""
        return self._signed(exp=self._canary)

    def _of_a_stranger(self) -> str:
        return self._stranger.token(canary=self._canary)

    def _of_an_unknown_key(self) -> str:
        return self._unknown.token(canary=self._canary)

    def _for_others(self) -> str:
        return self._signed(aud=["refunds-api", "ledger-api"])

    def _of_another_subject(self) -> str:
        return self._signed(sub="somebody")

    def _too_narrow(self) -> str:
        return self._signed(scope=SCOPES[0])

    def _too_broad(self) -> str:
        return self._signed(scope=" ".join([*SCOPES, "payments:admin"]))

    def _cut_off(self) -> str:
        """Within its signature, behind the last dot, or within its payload."""
        text = self._signed()
        dot = text.rindex(".")
        return text[: self._random.choice([dot + 21, dot + 44, dot + 1, dot - 30])]

    def _with_newline(self) -> str:
        return self._signed() + "\n"
