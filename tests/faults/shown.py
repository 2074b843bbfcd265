"""What was true and what was shown, span by span, and where the two differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from faults.history import ABSENT, History, Life, Release, SecretVersion, Written


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which the truth stays the same.

    Args:
        generation, version: of the spec, and of the Secret (0: there is none with the key).
        rolled: the generation of the workload; 0 when the check follows none.
    """

    start: float
    end: float
    ready: str
    reason: str
    generation: int
    version: int
    rolled: int = 0

    def with_release(self, release: Release, start: float, end: float) -> Span:
        """The part in which this version of the workload stood.

        Until it is rolled out all but a failure has to wait.
        """
        waits = not release.settled and self.ready != "False"
        said = ROLLING if waits else (self.ready, self.reason)
        return Span(start, end, *said, self.generation, self.version, release.generation)


ROLLING = ("Unknown", "RolloutInProgress")


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth about one check over its life."""

    spans: tuple[Span, ...]

    def changes(self) -> Iterator[tuple[Span, Span, Span | None]]:
        """Each change of Ready: the time before it, the time with it, and what comes then.

        Neighbours with the same Ready are one.
        """
        merged: list[Span] = []
        for span in self.spans:
            if merged and merged[-1].ready == span.ready:
                last = merged.pop()
                span = Span(last.start, span.end, span.ready, last.reason, 0, 0)
            merged.append(span)
        for place in range(1, len(merged)):
            following = merged[place + 1] if place + 1 < len(merged) else None
            yield merged[place - 1], merged[place], following


@dataclass(frozen=True, slots=True)
class Lag:
    """A time in which the status says something else than the truth."""

    start: float
    end: float
    what: str


def truth_of(history: History, life: Life, until: float) -> Truth:
    """What was true of a check, from when it was made to its end."""
    releases = history.releases_of(life)
    spans = _spans(history, life, life.ended or until)
    return Truth(tuple(part for span in spans for part in _parts(span, releases)))


def _parts(span: Span, releases: list[Release]) -> Iterator[Span]:
    """A span, cut where the workload changes."""
    before = [one for one in releases if one.at <= span.start]
    inside = [one for one in releases if span.start < one.at < span.end]
    standing = [*before[-1:], *inside]
    if not standing:
        yield span
        return
    starts = [span.start, *(one.at for one in standing[1:])]
    for release, start, end in zip(standing, starts, [*starts[1:], span.end], strict=True):
        yield span.with_release(release, start, end)


def _spans(history: History, life: Life, end: float) -> Iterator[Span]:
    specs = _specs(life)
    for (made, generation, token), (next_at, *_) in zip(specs, [*specs[1:], (end,)], strict=True):
        name, key = token["secretKeyRef"]["name"], token["secretKeyRef"]["key"]
        versions = _standing(history.secret_versions(life.place, name), made, next_at)
        for at, following, secret in versions:
            held = secret.data is not None and key in secret.data
            version = secret.version if held else 0
            segments = history.timeline(token, secret).between(at, following)
            starts = [at, *(s.start for s in segments[1:])]
            for segment, start, stop in zip(
                segments, starts, [*starts[1:], following], strict=True
            ):
                yield Span(start, stop, segment.ready, segment.reason, generation, version)


def _specs(life: Life) -> list[tuple[float, int, dict[str, object]]]:
    """When each generation came, with its token's spec; a restore brings an earlier one back."""
    specs: list[tuple[float, int, dict[str, object]]] = []
    for one in life.versions:
        if not specs or specs[-1][1:] != (one.generation, one.token):
            specs.append((one.at, one.generation, one.token))
    return specs


def _standing(
    versions: list[SecretVersion], start: float, end: float
) -> Iterator[tuple[float, float, SecretVersion]]:
    """Each version that stood in the span, with the part of the span in which it did."""
    before = [one for one in versions if one.at <= start]
    inside = [one for one in versions if start < one.at < end]
    standing = [(start, before[-1] if before else ABSENT), *((one.at, one) for one in inside)]
    ends = [*(at for at, _ in standing[1:]), end]
    for (at, version), stop in zip(standing, ends, strict=True):
        yield at, stop, version


def lags_of(history: History, life: Life, until: float) -> Iterator[Lag]:
    """Each time in which a check's status said something else than the truth."""
    open_lag: tuple[float, str] | None = None
    end = life.ended or until
    for at, _, what in _compared(history, life, end):
        if what and open_lag is None:
            open_lag = (at, what)
        elif not what and open_lag is not None:
            yield Lag(open_lag[0], at, open_lag[1])
            open_lag = None
    if open_lag is not None:
        yield Lag(open_lag[0], end, open_lag[1])


def _compared(history: History, life: Life, end: float) -> Iterator[tuple[float, float, str]]:
    """Each time in which neither truth nor status change, and what is wrong with the status."""
    spans = truth_of(history, life, end).spans
    versions = life.versions
    place = -1
    for span in spans:
        at = span.start
        while place + 1 < len(versions) and versions[place + 1].at <= at:
            place += 1
        while at < span.end:
            following = versions[place + 1].at if place + 1 < len(versions) else span.end
            stop = min(span.end, following)
            yield at, stop, difference(versions[place], span)
            if stop < span.end:
                place += 1
            at = stop


def difference(shown: Written, true: Span) -> str:
    """How a status differs from the truth; empty when it says it."""
    if shown.rolled != true.rolled:
        return f"the workload's generation {true.rolled} is not followed, but {shown.rolled}"
    if shown.observed != true.generation:
        return f"generation {true.generation} is not judged"
    if shown.bound != true.version:
        return f"the Secret's version {true.version} is not judged, but {shown.bound}"
    if shown.ready != (true.ready, true.reason):
        return f"Ready is {shown.ready} instead of {(true.ready, true.reason)}"
    return ""


def now_wrong(history: History, life: Life, now: float) -> str:
    """How the status of a check differs from the truth at this moment."""
    shown = life.versions[-1]
    versions = history.secret_versions(life.place, shown.token["secretKeyRef"]["name"])
    secret = versions[-1] if versions else ABSENT
    held = secret.data is not None and shown.token["secretKeyRef"]["key"] in secret.data
    segment = history.timeline(shown.token, secret).at(now)
    version = secret.version if held else 0
    true = Span(now, now, segment.ready, segment.reason, shown.generation, version)
    releases = history.releases_of(life)
    return difference(shown, true.with_release(releases[-1], now, now) if releases else true)
