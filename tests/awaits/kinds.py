"""Exceptions that carry a text, of every kind that an await may meet."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from functools import partial

import httpcore

from awaits.throwing import Make, Throwing

# What nobody catches, and what all who ask anybody do; each place meets both and one of the others.
ALWAYS = 2
_KINDS: Mapping[str, Callable[[str], BaseException]] = {
    "a bug": lambda said: RuntimeError(f"cannot use {said}"),
    "the network": lambda said: ConnectionResetError(104, said),
    "too late": TimeoutError,
    "a library": lambda said: httpcore.LocalProtocolError(f"Illegal header value b'{said}\\n'"),
    "no text": lambda said: UnicodeEncodeError("ascii", f"{said}ß", 0, 1, said),
    "no memory": MemoryError,
    "cancelled": asyncio.CancelledError,
}


def carrying(said: str) -> Throwing:
    """Throws exceptions as a careless caller passes them on, with causes and notes that say it."""
    kinds: dict[str, Make] = {name: partial(_made, make, said) for name, make in _KINDS.items()}
    every = os.environ.get("TOKENCHECK_AWAITS") == "all"
    return Throwing(kinds, len(kinds) if every else ALWAYS)


def _made(make: Callable[[str], BaseException], said: str) -> BaseException:
    error = make(said)
    error.__cause__ = ValueError(said)
    error.add_note(f"while it looked at {said}")
    return error
