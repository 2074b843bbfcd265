"""Structured logs: one JSON object a line, ASCII, no token, no foreign exception text."""

import asyncio
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from tokencheck.model.errors import place_of

# Libraries that print requests, headers, patches or objects at lower levels.
QUIET = ("httpx", "httpcore", "h11", "aiohttp", "asyncio", "kopf", "kubernetes", "urllib3", "jwt")

_OURS = "tokencheck"
# What every record has; all else was added by whoever logged it.
_ANY_RECORD = logging.makeLogRecord({}).__dict__.keys() | {"taskName"}

_log = logging.getLogger(__name__)


class _Formatter(JsonFormatter):
    """Drops what an exception says: its class is enough, its text and locals may hold a token."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002 - logging's names
        """Return the time in UTC, as RFC 3339 writes it: the process may stand in any zone."""
        at = datetime.fromtimestamp(record.created, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def formatException(self, ei: Any) -> str:  # noqa: N802, ANN401 - logging's name and type
        """Return the class of the exception."""
        return str(ei[0].__name__) if ei and ei[0] else "exception"


class ForeignText(logging.Filter):
    """Takes the text out of records that are not ours: a reply or an object may stand in it.

    What is left is who says it, where in its code, and the class of the exception. It belongs on
    the handler: a logger's filter does not see the records of the loggers below it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True: every record is told."""
        if record.name.partition(".")[0] == _OURS:
            return True
        raised = record.exc_info[0] if record.exc_info else None
        what = f": {raised.__name__}" if raised else ""
        record.msg = f"{record.name} at {record.module}:{record.lineno}{what}"
        record.args, record.exc_info, record.exc_text, record.stack_info = (), None, None, None
        for name in record.__dict__.keys() - _ANY_RECORD:
            del record.__dict__[name]
        return True


def tell_class_only(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """Log an error that an event loop met; the loop itself would print the exception's text.

    To be set as the loop's exception handler.
    """
    error = context.get("exception")
    what = type(error).__name__ if error is not None else "no exception"
    _log.error("an event loop met an error that nobody awaited: %s", what)


def tell_uncatchable(told: Any) -> None:  # noqa: ANN401 - sys.UnraisableHookArgs, which types alone know
    """Log an error that nobody can catch, of a finalizer: Python would print its text.

    To be set as `sys.unraisablehook`.
    """
    _log.error("an error that nobody could catch: %s", told.exc_type.__name__)


def tell_end(error: BaseException) -> None:
    """Log the bug that ends the process: its class and where it came from, without its text.

    Of a group of errors each that is none itself, as a group of tasks raises them.
    """
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            tell_end(one)
        return
    what = type(error).__name__
    _log.critical(
        "ended by an error of its own: %s; start it again, and report where",
        what,
        extra={"where": place_of(error)},
    )


def set_up_logs(level: str) -> None:
    """Send our records to standard error as JSON lines; those of libraries from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Formatter(
            "{asctime}{levelname}{name}{message}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            json_ensure_ascii=True,
        )
    )
    handler.addFilter(ForeignText())
    sys.unraisablehook = tell_uncatchable
    logging.raiseExceptions = False  # it would print the arguments of a record that cannot be told
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Kopf warns that it handles no signals in a thread: that is meant so.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
