"""Structured logs: one JSON object a line, ASCII, no token, no foreign exception text."""

import logging
import sys
from typing import Any

from pythonjsonlogger.json import JsonFormatter

# Libraries that print requests, headers, patches or objects at lower levels.
QUIET = ("httpx", "httpcore", "h11", "aiohttp", "asyncio", "kopf", "kubernetes", "urllib3", "jwt")


class _Formatter(JsonFormatter):
    """Drops what an exception says: its class is enough, its text and locals may hold a token."""

    def formatException(self, ei: Any) -> str:  # noqa: N802, ANN401 - logging's name and type
        """Return the class of the exception."""
        return str(ei[0].__name__) if ei and ei[0] else "exception"


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
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Kopf warns that it handles no signals in a thread: that is meant so.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
