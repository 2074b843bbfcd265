"""On a terminal there are colours and wrapped lines; NO_COLOR takes the colours away."""

from __future__ import annotations

import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from fcntl import ioctl

import pytest

from tokencheck.cli.screen import Screen, table

COLUMNS = 90
RED = "\x1b[31m"
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def on_a_terminal(place, *args: str, stdin: bytes, **env: str) -> str:
    """What the program writes to a terminal of ninety columns."""
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    source = place.file("stdin", stdin)
    with open(source, "rb") as given:
        process = subprocess.Popen(
            [place.program, *args], stdin=given, stdout=slave, env=place.env | env, close_fds=True
        )
    os.close(slave)
    chunks = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 1)[0]:
            continue
        try:
            chunk = os.read(master, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(master)
    process.wait(10)
    return b"".join(chunks).decode().replace("\r\n", "\n")


@pytest.fixture
def expired(issuer) -> bytes:
    return issuer.token(exp=int(time.time()) - 3600).encode()


def test_a_terminal_shows_colours_and_wraps(place, expired):
    shown = on_a_terminal(place, "verify", "-", stdin=expired, TERM="xterm")
    assert RED in shown
    plain = _STYLE.sub("", shown)
    assert "-> rotate it" in plain
    assert "NEXT ACTION" not in plain
    assert max(len(line) for line in plain.splitlines()) <= COLUMNS


@pytest.mark.parametrize("env", [{"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}])
def test_colours_can_be_refused(place, expired, env):
    shown = on_a_terminal(place, "verify", "-", stdin=expired, **env)
    assert "\x1b" not in shown
    assert "TokenExpired" in shown


def test_an_empty_table_has_no_title():
    assert table(("A", "B"), [], Screen()) == []


def test_columns_stand_below_each_other():
    lines = table(("NAME", "TEXT"), [("a", "one"), ("longer", "two")], Screen())
    assert lines == ["NAME     TEXT", "a        one", "longer   two"]


def test_the_last_column_is_wrapped_to_the_terminal():
    lines = table(("NAME", "TEXT"), [("a", "word " * 20)], Screen(width=40))
    assert len(lines) > 2
    assert all(len(line) <= 40 for line in lines)
    assert all(line.startswith("       ") for line in lines[2:])
