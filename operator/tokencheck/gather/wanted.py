"""On which paths of one token checks want to know what it may do, whoever of them has it asked."""

from datetime import datetime

from tokencheck.core.questions.vendors.capabilities import MAX_PATHS
from tokencheck.model.activity import Answer


class Wanted:
    """The paths, each as long as a check comes again for it.

    A path that finds no room waits until another one's time has passed: those that are asked about
    are never pushed out, or checks would take turns in knowing nothing.
    """

    __slots__ = ("_until",)

    def __init__(self) -> None:
        """Want none."""
        self._until: dict[str, datetime] = {}

    def want(self, paths: tuple[str, ...], now: datetime, until: datetime) -> None:
        """Have these asked about until then, as far as there is room."""
        for path in paths:
            if path in self._until or self._has_room(now):
                self._until[path] = until

    def present(self, now: datetime) -> tuple[str, ...]:
        """Return the paths that are asked about now; what no check came again for is left out."""
        self._until = {path: until for path, until in self._until.items() if until >= now}
        return tuple(sorted(self._until))

    def lacks(self, answer: Answer | None, paths: tuple[str, ...]) -> bool:
        """Return whether the answer is to a question that left one of these out, to no purpose."""
        if answer is None or not answer.active:
            return False
        return any(path in self._until and path not in answer.capabilities.on for path in paths)

    def _has_room(self, now: datetime) -> bool:
        return len(self._until) < MAX_PATHS or len(self.present(now)) < MAX_PATHS
