"""A whole cluster, in the order in which its Secrets come: no Secret is held longer than needed.

A check is due when the last of its Secrets has come; a Secret goes when the last check that waits
for it is due. Whatever the order of the list, what is held at one time stays small.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.core.checks.words import shown
from tokencheck.core.tokens.documents import (
    WHOLE_VALUE,
    may_hold_token,
    reading_cost,
    tokens_in,
)
from tokencheck.core.tokens.formats import MAX_YAML_BYTES
from tokencheck.core.tokens.read import read_token
from tokencheck.core.workloads.locate import Located, locate
from tokencheck.gather.discover import speakable
from tokencheck.gather.seen import Seen
from tokencheck.gather.sources import Sources
from tokencheck.model.census import ConfigMapContent, Hardcoded, Literal, Unsearched
from tokencheck.model.evidence import SEARCHED_YAML_BYTES, SecretContent
from tokencheck.model.trust import Trust
from tokencheck.model.workload import PodRecord

Place = tuple[str, str]  # namespace and name of a Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A check whose Secrets are at hand, as far as they exist; `done` are held for nobody else."""

    check: TokenCheck
    seen: Seen
    located: Located
    done: tuple[Place, ...]


def due_now(check: TokenCheck, seen: Seen) -> Due:
    """Return the check with its tokens located, as one that shares its Secrets with nobody."""
    located = locate(check, seen.readable, seen.only_in_pods)
    places = tuple((check.namespace, name) for name in located.secrets)
    return Due(check=check, seen=seen, located=located, done=places)


class Waiting:
    """Which checks wait for which Secrets."""

    def __init__(
        self, planned: Iterable[tuple[TokenCheck, Seen]], pods: Iterable[PodRecord]
    ) -> None:
        """Let each check wait for its Secrets.

        Args:
            planned: the checks, with what was seen of their workloads.
            pods: all Pods; a Secret that only one of them takes is not unused.
        """
        self._missing: dict[int, set[Place]] = {}
        self._checks: dict[int, Due] = {}
        self._waiters: dict[Place, list[int]] = {}
        self._holders: Counter[Place] = Counter()
        for number, (check, seen) in enumerate(planned):
            self._checks[number] = due = due_now(check, seen)
            places = due.done
            self._missing[number] = set(places)
            self._holders.update(places)
            for place in places:
                self._waiters.setdefault(place, []).append(number)
        self._taken_by = {
            (pod.namespace, site.secret): pod.name
            for pod in pods
            for site in pod.volumes
            if site.secret
        }

    def __len__(self) -> int:
        """Return how many checks are not due yet."""
        return len(self._checks)

    def pod_with(self, place: Place) -> str:
        """Return the name of a Pod that takes the Secret; "" when none does."""
        return self._taken_by.get(place, "")

    def awaits(self, place: Place) -> bool:
        """Return whether a check waits for the Secret."""
        return place in self._waiters

    def ready(self) -> Iterator[Due]:
        """Yield the checks that wait for nothing."""
        for number in [n for n, missing in self._missing.items() if not missing]:
            yield self._due(number)

    def arrived(self, place: Place) -> Iterator[Due]:
        """Yield the checks for which the Secret was the last one."""
        for number in self._waiters.pop(place, ()):
            missing = self._missing[number]
            missing.discard(place)
            if not missing:
                yield self._due(number)

    def rest(self) -> Iterator[Due]:
        """Yield the checks that wait for what did not come."""
        for number in list(self._checks):
            yield self._due(number)

    def _due(self, number: int) -> Due:
        due = self._checks.pop(number)
        del self._missing[number]
        self._holders.subtract(due.done)
        return replace(due, done=tuple(place for place in due.done if self._holders[place] <= 0))


def holds_token(content: SecretContent) -> bool:
    """Return whether discovery would find a token in the Secret: most hold none."""
    return any(tokens_in(key, value) for key, value in content.values.items())


def searched(content: ConfigMapContent) -> Iterator[Literal | Unsearched]:
    """Yield the texts of a ConfigMap that look like tokens, and what was too much to search."""
    yaml_left = SEARCHED_YAML_BYTES
    for key, value in sorted(content.values.items()):
        if not may_hold_token(value):
            continue
        cost = reading_cost(value)
        if cost > min(yaml_left, MAX_YAML_BYTES):
            yield Unsearched(where=f'key "{shown(key)}"')
            continue
        yaml_left -= cost
        for place, (path, text) in enumerate(tokens_in(key, value), 1):
            field = path if speakable(path) else f"#{place}"
            where = f'key "{shown(key)}"' + ("" if field == WHOLE_VALUE else f" field {field}")
            yield Literal(where=where, name=key, text=text)


def hardcoded(literals: Iterable[Literal], sources: Sources) -> Iterator[Hardcoded]:
    """Yield what the literals are; their texts go no further."""
    for literal in literals:
        facts = read_token(literal.text, Trust(), fingerprint_key=sources.fingerprint_key)
        claims = facts.claims
        yield Hardcoded(
            where=literal.where,
            name=literal.name,
            kind=facts.kind,
            expires_at=claims.expires_at if claims else None,
        )
