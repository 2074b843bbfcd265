"""How long a pass keeps the event loop to itself: what it waits for is not counted."""

from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Awaits something, and adds up its turns.

    Args:
        awaited: what to await; once.
        monotonic: seconds that only grow.
    """

    def __init__(self, awaited: Awaitable[T], monotonic: Callable[[], float]) -> None:
        """Prepare; nothing runs before this is awaited."""
        self._awaited = awaited
        self._monotonic = monotonic
        self.taken_s = 0.0

    def __await__(self) -> Generator[Any, Any, T]:
        """Return what the awaited one returns, and raise what it raises."""
        steps = self._awaited.__await__()
        act: Callable[[], Any] = steps.__next__
        while True:
            started = self._monotonic()
            try:
                waits_for = act()
            except StopIteration as end:
                result: T = end.value
                return result
            finally:
                self.taken_s += self._monotonic() - started
            try:
                yield waits_for
            except GeneratorExit:
                steps.close()
                raise
            except BaseException as error:  # noqa: BLE001 - handed on to where it belongs
                act = _throwing(steps, error)
            else:
                act = steps.__next__


def _throwing(steps: Generator[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: steps.throw(error)
