"""A Kopf that raises is started again; one that hangs in its end is left behind; neither kills."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tokencheck.app import kopf_watch
from tokencheck.app.kopf_watch import KopfWatch

CANARY = "eyJhbGciOiJSUzI1NiJ9.CANARY.c2ln"
URL = "http://127.0.0.1:1"


def until(true: Callable[[], object], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.02)


class Session:
    """Raises at its first request, as no client should; and may never be closed."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs
        self.headers: dict[str, str] = {}
        self.closed = False
        self.closing = threading.Event()

    async def request(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError(CANARY)

    async def close(self) -> None:
        self.closing.set()
        while self._hangs:
            try:
                await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                continue  # whoever asks it to end waits for ever


class Kopfs:
    """The sessions of each Kopf that was started."""

    def __init__(self, *, hang: bool) -> None:
        self.hang = hang
        self.sessions: list[Session] = []

    async def open(self) -> tuple[Any, str]:
        self.sessions.append(Session(hangs=self.hang))
        return self.sessions[-1], URL

    def release(self) -> None:
        """Let the hanging ones end, so that no thread outlives its test."""
        for session in self.sessions:
            session._hangs = False  # noqa: SLF001 - the test's own class


def life_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "kopf-life"]


def test_a_kopf_that_raises_is_started_again_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kopfs = Kopfs(hang=False)
    watch = KopfWatch(kopfs.open, lambda *_: None)
    watch.start()
    try:
        until(lambda: len(kopfs.sessions) >= 2)
        assert watch.alive
        assert watch.restarts >= 1
    finally:
        watch.stop(kopf_watch.LONGEST_END_S)
    assert not watch.alive
    ours = [r.getMessage() for r in caplog.records if r.name == kopf_watch.__name__]
    assert ours[0] == "the watch of TokenChecks ended (RuntimeError); it starts again in 0.2 s"
    assert CANARY not in "".join(ours)


def test_a_kopf_that_hangs_in_its_end_is_left_behind_and_another_one_started() -> None:
    """With Kopf's own deadline for its end the whole process would be killed."""
    kopfs = Kopfs(hang=True)
    watch = KopfWatch(kopfs.open, lambda *_: None, longest_end_s=0.5)
    watch.start()
    try:
        until(lambda: watch.restarts >= 1)
        kopfs.hang = False
        assert kopfs.sessions[0].closing.is_set()
        assert len(life_threads()) >= 1
        until(lambda: len(kopfs.sessions) >= 2)
        assert watch.alive
    finally:
        kopfs.release()
        watch.stop(kopf_watch.LONGEST_END_S)
    assert not watch.alive
    until(lambda: not life_threads())


def test_a_kopf_that_hangs_in_its_end_holds_up_no_stop() -> None:
    kopfs = Kopfs(hang=True)
    watch = KopfWatch(kopfs.open, lambda *_: None, longest_end_s=60.0)
    watch.start()
    try:
        until(lambda: kopfs.sessions and kopfs.sessions[0].closing.is_set())
        started = time.monotonic()
        watch.stop(0.5)
        assert time.monotonic() - started < 2.0
    finally:
        kopfs.release()
    until(lambda: not watch.alive)


def test_what_nobody_awaits_in_kopf_s_loop_is_told_by_its_class(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails() -> None:
        raise RuntimeError(CANARY)

    async def open_session() -> tuple[Any, str]:
        lost = asyncio.create_task(fails())
        await asyncio.sleep(0.01)
        del lost
        return Session(hangs=False), URL

    watch = KopfWatch(open_session, lambda *_: None)
    watch.start()
    told = lambda: [r for r in caplog.records if r.name == "tokencheck.app.logs"]  # noqa: E731
    try:
        until(told)
    finally:
        watch.stop(kopf_watch.LONGEST_END_S)
    assert told()[0].levelno == logging.ERROR
    assert told()[0].getMessage().endswith(": RuntimeError")
    assert "asyncio" not in {r.name for r in caplog.records if CANARY in r.getMessage()}
