"""``python -m awaits.commands``: commands, each run until every await of it was thrown at.

Standard input is JSON: the commands, the texts that they read from their standard input, and what
the exceptions say. Standard output is JSON: what each said, and through which modules it went.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from awaits.kinds import carrying
from awaits.throwing import Throwing
from tokencheck.cli.main import main as tokencheck

MOST_RUNS = 300
# So much shorter sleeps are: whoever tries again after a second would do so for a minute here.
PACE = 20


class Loop(asyncio.SelectorEventLoop):
    """Nobody sleeps long; deadlines are as they are."""

    def call_later(self, delay: float, *call: Any, **more: Any) -> asyncio.TimerHandle:
        """Sooner."""
        return super().call_later(delay / PACE, *call, **more)


class Policy(asyncio.DefaultEventLoopPolicy):
    """Every loop of the process drives its tasks by hand."""

    throwing: Throwing

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        loop = Loop()
        loop.set_task_factory(self.throwing.task)
        return loop


def run(args: list[str], stdin: str) -> tuple[str, int]:
    """What it wrote, and its exit code: 1 with a traceback is how Python itself ends."""
    sys.argv = ["tokencheck", *args]
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()))
    said = io.TextIOWrapper(io.BytesIO(), write_through=True)
    code = 0
    with redirect_stdout(said), redirect_stderr(said):
        try:
            tokencheck()
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:  # noqa: BLE001 - as the interpreter does it
            traceback.print_exc()
            code = 1
    return said.buffer.getvalue().decode(), code  # type: ignore[attr-defined] - a BytesIO


def every_await(args: list[str], stdin: str, throwing: Throwing) -> dict[str, Any]:
    """What was said in all runs, the codes of all, and the modules thrown at."""
    said, codes, before = [], [], -1
    while len(throwing.thrown) > before and len(codes) < MOST_RUNS:
        before = len(throwing.thrown)
        throwing.arm()
        text, code = run(args, stdin)
        said.append(text)
        codes.append(code)
    throwing.disarm()
    return {"said": "\n".join(said), "codes": codes, "modules": sorted(throwing.modules())}


def main() -> None:
    """Run all commands."""
    asked = json.load(sys.stdin)
    policy = Policy()
    asyncio.set_event_loop_policy(policy)
    told = {}
    for args, stdin in asked["commands"]:
        policy.throwing = carrying(asked["says"])
        told[" ".join(args)] = every_await(args, stdin, policy.throwing)
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
