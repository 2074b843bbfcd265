"""Servers that others wrote: they run where their programs can be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import pytest

from controlplane.build import BuildError

S = TypeVar("S", bound=AbstractContextManager)


@contextmanager
def running(name: str, make: Callable[[], S]) -> Iterator[S]:
    """One that runs; a test is skipped where it cannot."""
    try:
        server = make()
    except BuildError as error:
        pytest.skip(f"{name} cannot run here: {error}")
    with server:
        yield server
