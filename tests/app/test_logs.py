"""No text of a foreign exception or of a library reaches the logs: a token may stand in it."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
from collections.abc import Iterator

import pytest

from logged import logged
from tokencheck.app.logs import QUIET, tell_class_only, tell_end

CANARY = "eyJhbGciOiJSUzI1NiJ9.CANARY.c2ln"


class ReplyError(Exception):
    """What a library raises with the reply in it."""


def reply() -> None:
    raise ReplyError(CANARY)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    with logged() as told:
        yield told


def parsed(told: io.StringIO) -> list[dict[str, object]]:
    assert CANARY not in told.getvalue()
    assert "CANARY" not in told.getvalue()
    return [json.loads(line) for line in told.getvalue().splitlines()]


@pytest.mark.parametrize("name", [*QUIET, "kopf._core.reactor.queueing", "some.library"])
def test_a_library_s_record_tells_who_and_where_and_the_class(
    lines: io.StringIO, name: str
) -> None:
    log = logging.getLogger(name)
    try:
        reply()
    except ReplyError as error:
        log.exception("reply to %s", CANARY, extra={"body": CANARY}, stack_info=True)
        log.error(f"as text: {error}")  # noqa: G004, TRY400 - so do libraries
    first, second = parsed(lines)
    assert set(first) == {"time", "level", "logger", "message"}
    assert str(first["message"]).startswith(f"{name} at test_logs:")
    assert str(first["message"]).endswith(": ReplyError")
    assert second["logger"] == name


def test_our_own_records_keep_their_text_and_lose_that_of_an_exception(lines: io.StringIO) -> None:
    try:
        reply()
    except ReplyError:
        logging.getLogger("tokencheck.app.x").exception("a pass failed", extra={"check": "shop/a"})
    (line,) = parsed(lines)
    assert line["message"] == "a pass failed"
    assert line["check"] == "shop/a"
    assert line["exc_info"] == "ReplyError"


def test_a_task_that_nobody_awaits_is_told_by_the_class_of_its_exception(
    lines: io.StringIO,
) -> None:
    async def fails() -> None:
        raise ReplyError(CANARY)

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(tell_class_only)
        task = asyncio.create_task(fails())
        await asyncio.sleep(0.01)
        del task
        gc.collect()

    asyncio.run(scenario())
    (line,) = parsed(lines)
    assert line["logger"] == "tokencheck.app.logs"
    assert str(line["message"]).endswith(": ReplyError")


def test_a_loop_without_our_handler_tells_no_more(lines: io.StringIO) -> None:
    async def fails() -> None:
        raise ReplyError(CANARY)

    async def scenario() -> None:
        task = asyncio.create_task(fails())
        await asyncio.sleep(0.01)
        del task
        gc.collect()

    asyncio.run(scenario())
    (line,) = parsed(lines)
    assert line["logger"] == "asyncio"
    assert str(line["message"]).endswith(": ReplyError")


def test_an_error_of_a_finalizer_is_told_by_its_class(lines: io.StringIO) -> None:
    class Leaves:
        def __del__(self) -> None:
            reply()

    Leaves()
    (line,) = parsed(lines)
    assert line["message"] == "an error that nobody could catch: ReplyError"


def test_a_record_that_cannot_be_told_prints_nothing(lines: io.StringIO) -> None:
    logging.getLogger("tokencheck.app.x").error("%d", CANARY)
    assert parsed(lines) == []


async def test_of_a_group_of_tasks_the_error_that_ended_it_is_told_with_its_place(
    lines: io.StringIO,
) -> None:
    async def task() -> None:
        reply()

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(task())
    except ExceptionGroup as error:
        tell_end(error)
    (told,) = parsed(lines)
    assert "ReplyError" in str(told["message"])
    assert str(told["where"]).split(" > ")[-1].startswith(f"{__name__}:")
