"""Throws at awaits: at each place once for each kind of exception that is its turn.

``loop.set_task_factory(throwing.task)`` drives every task of a loop by hand. Whenever one is about
to wait, the place is looked up: the chain of awaits of our own code, as ``module.function:line``.
At a place that is new, what was awaited ends with an exception instead. Nothing of the code knows.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping
from functools import partial
from itertools import cycle, islice
from typing import Any

Place = tuple[str, ...]
Make = Callable[[], BaseException]
_OURS = "/operator/tokencheck/"
_PASS = "engine.engine._pass:"  # of a worker, one after the other
_NEXT = ("cr_await", "gi_yieldfrom", "ag_await")


class Throwing:
    """Knows where was thrown already.

    Args:
        kinds: makes a new exception, by name.
        always: how many of them, the first ones, each place meets. Of the others it meets one, and
            the next place the next one.
    """

    def __init__(self, kinds: Mapping[str, Make], always: int) -> None:
        """Nothing is thrown before `arm`."""
        self._kinds = kinds
        self._always = list(kinds)[:always]
        self._others = cycle(list(kinds)[always:])
        self._due: dict[Place, list[str]] = {}
        self.thrown: dict[tuple[Place, str], None] = {}
        self.turns = 0  # of all tasks; it stands still while nothing happens but that clocks tick
        self._struck: set[object] | None = None

    def arm(self) -> None:
        """From now on one is thrown into each task, and each pass, where it stands at a new place.

        It meets no second one: what follows from the first is to be seen.
        """
        self._struck = set()

    def disarm(self) -> None:
        """Nothing is thrown from now on."""
        self._struck = None

    def modules(self) -> set[str]:
        """Through which the places lead at which was thrown."""
        return {
            at.rpartition(":")[0].rpartition(".")[0] for place, _ in self.thrown for at in place
        }

    def task(
        self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **more: Any
    ) -> asyncio.Task[Any]:
        """A task factory."""
        return asyncio.Task(_Driven(coroutine, self), loop=loop, **more)

    def at(self, task: _Driven) -> BaseException | None:
        """What is thrown where a task stands now; None: it waits as it would."""
        steps = list(_steps(task.coroutine))
        place = tuple(name for _, name in steps)
        self.turns += place != task.place  # else it has looked at a clock, say, and waits again
        task.place = place
        if self._struck is None or not place:
            return None
        if place not in self._due:
            self._due[place] = [*self._always, *islice(self._others, 1)]
        whom = next((step for step, name in steps if name.startswith(_PASS)), task)
        if whom in self._struck or not self._due[place]:
            return None
        self._struck.add(whom)
        kind = self._due[place].pop()
        self.thrown[place, kind] = None
        return self._kinds[kind]()


class _Driven(Coroutine[Any, Any, Any]):
    """A coroutine whose every suspension is looked at."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], throwing: Throwing) -> None:
        self.coroutine = coroutine
        self.place: Place = ()  # where it stood last
        self._throwing = throwing

    def send(self, value: Any) -> Any:
        return self._until_it_waits(partial(self.coroutine.send, value))

    def throw(self, *error: Any) -> Any:
        return self._until_it_waits(partial(self.coroutine.throw, *error))

    def close(self) -> None:
        self.coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        raise NotImplementedError("it belongs to a task")

    def _until_it_waits(self, act: Callable[[], Any]) -> Any:
        while True:
            waits_for = act()
            if (error := self._throwing.at(self)) is None:
                return waits_for
            if waits_for is not None:
                waits_for._asyncio_future_blocking = False  # noqa: SLF001 - nobody waits for it now
            act = partial(self.coroutine.throw, error)


def _steps(step: object) -> Iterator[tuple[object, str]]:
    """Where a suspended coroutine stands in our code, and what waits there, outermost first."""
    while step is not None:
        frame = next((f for n in ("cr", "gi", "ag") if (f := getattr(step, f"{n}_frame", 0))), None)
        if frame is not None and _OURS in frame.f_code.co_filename:
            module = frame.f_globals["__name__"].removeprefix("tokencheck.")
            yield step, f"{module}.{frame.f_code.co_name}:{frame.f_lineno}"
        step = _awaited(step, frame)


def _awaited(step: object, frame: Any) -> object:
    for name in _NEXT:
        if (inner := getattr(step, name, None)) is not None:
            return inner
    if frame is not None:  # a generator that drives another one, as engine.turns does
        return frame.f_locals.get("steps")
    # The wrappers of __await__ and of asynchronous generators show what they drive to gc alone.
    held = gc.get_referents(step)
    return next((one for one in held if inspect.iscoroutine(one) or inspect.isasyncgen(one)), None)
