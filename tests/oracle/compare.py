"""The two opinions on one case: what differs, and which rules explain it."""

from __future__ import annotations

from dataclasses import dataclass

from oracle.draft import Case
from oracle.rules import RULES
from oracle.view import View

# Of a text that is no token the library says nothing more.
_UNPARSED = frozenset({"malformed", "algorithm"})
# Without any key nobody looks whether a text that is no JWT, or an algorithm, could be right.
_NO_TOKEN = frozenset({"malformed", "algorithm", "unrecognised", "no-keys"})


@dataclass(frozen=True)
class Difference:
    """Faults that only one side finds and no rule explains; `rules` names those that were used."""

    ours: frozenset[str]
    theirs: frozenset[str]
    rules: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.ours or self.theirs)


def difference(case: Case, ours: frozenset[str], theirs: frozenset[str]) -> Difference:
    """What no rule explains.

    A fault that only we find needs a rule; one that only the library finds needs a rule that hides
    it, and so a fault that only we find: what the library refuses is never good.
    """
    if theirs & _UNPARSED:
        return Difference(frozenset(), frozenset() if ours & _NO_TOKEN else theirs)
    ours = frozenset("unknown-key" if word == "no-keys" else word for word in ours)
    view = View(case)
    used = [rule for rule in RULES if rule.finds & (ours - theirs) and rule.applies(view)]
    explained = frozenset().union(*(rule.finds for rule in used))
    hidden = frozenset().union(*(rule.hides for rule in used))
    names = frozenset(rule.name for rule in used)
    return Difference(ours - theirs - explained, theirs - ours - hidden, names)
