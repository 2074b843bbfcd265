"""Runs vectors on the island and prints, as JSON, those that went wrong and what was counted.

``python -m island.run [--family NAME …] [--first]``: `--first` stops at the first fault.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from island.certs import Authority
from island.listeners import Listeners
from island.names import Names
from island.serving import BODY
from island.tables import vectors
from island.vector import ANSWER, BAD_URL, HASTE_S, Vector
from island.ways import SECRETS, SHOWN, TOKEN, shown
from tokencheck.api.urls import Url, parse_url
from tokencheck.clients.egress.client import Egress
from tokencheck.model.asking import Destination, Question, Reply


class World:
    """The island with its servers, and one egress client."""

    def __init__(self) -> None:
        self.authority, self.stranger = Authority("island"), Authority("stranger")
        self.listeners = Listeners(self.authority, self.stranger)
        self.names = Names()
        self.egress = Egress()

    async def start(self) -> None:
        await self.listeners.start()
        await self.names.start()

    async def run(self, vector: Vector) -> list[str]:
        """What went wrong with `vector`; empty when it went as it must."""
        self.names.learn(vector.names)
        self.listeners.hosts.update(vector.hosts)
        before = len(self.listeners.arrivals)
        with environment(vector.environ):
            outcomes = [await self._ask(vector) for _ in range(vector.times)]
        await asyncio.sleep(0)
        faults = [o for o in outcomes if o]
        arrivals = self.listeners.arrivals[before:]
        for arrival in arrivals:
            reached = arrival.address in vector.may_reach and arrival.port in (443, 8443)
            if not reached:
                faults.append(f"connected to {arrival.address} port {arrival.port}")
            proper = vector.expect == ANSWER or arrival.address in vector.credential_at
            heard = [secret for secret in SECRETS if secret.encode() in arrival.said]
            if heard and not (reached and proper):
                faults.append(f"sent {len(heard)} secrets to {arrival.address}")
        if vector.expect == ANSWER and not any(_whole(vector, one.said) for one in arrivals):
            faults.append("the question did not arrive with all that it shows")
        return faults

    async def _ask(self, vector: Vector) -> str:
        url = parse_url(vector.url)
        if not isinstance(url, Url):
            got, detail = BAD_URL, str(url)
        else:
            answer = await self.egress.ask(self._question(vector, url))
            if isinstance(answer, Reply):
                whole = answer.body == BODY or answer.status == 204
                got, detail = (ANSWER if whole else "another body"), str(answer.status)
                if answer.status != vector.status:
                    got = f"{got} with status {answer.status}"
            else:
                got, detail = str(answer.reason), answer.detail
                if leaks := [w for w in (*SECRETS, *vector.may_reach) if w and w in detail]:
                    return f"its words hold {len(leaks)} pieces of the other side"
        return "" if got == vector.expect else f"{got} ({detail}) instead of {vector.expect}"

    def _question(self, vector: Vector, url: Url) -> Question:
        trust = {
            "island": self.authority.pem,
            "stranger": self.stranger.pem,
            "system": "",
            "nonsense": "nonsense",
        }
        credential, form = shown(vector.way, vector.token or TOKEN)
        return Question(
            destination=Destination(
                provider="island",
                places=frozenset([url.place] if vector.places is None else vector.places),
                cidrs=vector.cidrs,
                ca_bundle=trust[vector.trust],
            ),
            url=url,
            credential=credential,
            form=form,
            deadline_s=vector.deadline_s,
            max_bytes=vector.max_bytes,
        )


def _whole(vector: Vector, said: bytes) -> bool:
    """Whether it is the question that was meant, with each text of it once."""
    method = b"GET " if vector.way == "header" else b"POST "
    once = all(said.count(text.encode()) == 1 for text in SHOWN[vector.way])
    return said.startswith(method) and once


@contextmanager
def environment(changes: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


async def run(chosen: Iterable[Vector], *, first: bool) -> dict[str, list[str]]:
    """The faults of each vector."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # servers whose clients went away
    world = World()
    await world.start()
    wrong: dict[str, list[str]] = {}
    for vector in chosen:
        if first and wrong:
            break
        if faults := await world.run(vector):
            wrong[vector.id] = faults
    return wrong


def _peak_kib() -> int:
    """The most memory that this program had: `ru_maxrss` would begin with that of its parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--family", action="append")
    parser.add_argument("--first", action="store_true")
    options = parser.parse_args()
    chosen = [v for v in vectors() if not options.family or v.family in options.family]
    # Those that are refused in haste come last: the others are what a fault shows soonest.
    chosen.sort(key=lambda v: v.deadline_s == HASTE_S)
    before = _peak_kib()
    wrong = asyncio.run(run(chosen, first=options.first))
    if Path(os.environ["SSLKEYLOGFILE"]).exists():
        wrong["session keys are written nowhere"] = ["SSLKEYLOGFILE was written"]
    grown = _peak_kib() - before
    json.dump({"ran": len(chosen), "wrong": wrong, "grown_kib": grown}, sys.stdout)


if __name__ == "__main__":
    main()
