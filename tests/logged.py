"""What is logged, as the operator sets logs up; afterwards all is as before."""

from __future__ import annotations

import gc
import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

from tokencheck.app.logs import QUIET, set_up_logs


@contextmanager
def logged(level: str = "DEBUG") -> Iterator[io.StringIO]:
    """Take all that goes to standard error meanwhile."""
    gc.collect()  # what earlier tests left in their loops is told now, and not in this test
    root, told, raising = logging.getLogger(), io.StringIO(), logging.raiseExceptions
    handlers, before = root.handlers[:], root.level
    uncatchable = sys.unraisablehook
    levels = {name: logging.getLogger(name).level for name in QUIET}
    for handler in handlers:  # so that the set-up does not close those of the test runner
        root.removeHandler(handler)
    try:
        with redirect_stderr(told):
            set_up_logs(level)
            yield told
            gc.collect()  # and what this one left
    finally:
        sys.unraisablehook = uncatchable
        root.handlers, logging.raiseExceptions = handlers, raising
        root.setLevel(before)
        for name, of_library in levels.items():
            logging.getLogger(name).setLevel(of_library)
