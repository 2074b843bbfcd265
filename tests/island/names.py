"""The island's DNS server: answers each name by a script, another answer at each turn."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset

# What one name answers at its first, second, … look-up: records such as "A 192.0.2.7",
# "AAAA ::1", "CNAME other.test", or the words NXDOMAIN, SERVFAIL and SILENCE.
Script = Sequence[Sequence[str]]


class Names(asyncio.DatagramProtocol):
    """Serves `scripts`; counts what was asked."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.asked: Counter[tuple[str, str]] = Counter()
        self._transport: Any = None

    async def start(self) -> None:
        await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 53)
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        turn = self.asked[name, kind]
        self.asked[name, kind] += 1
        if self._fill(answer, name, kind, turn):
            self._transport.sendto(answer.to_wire(), addr)

    def _fill(self, answer: dns.message.Message, name: str, kind: str, turn: int) -> bool:
        for _ in range(20):
            script = self.scripts.get(name, (("NXDOMAIN",),))
            records = script[min(turn, len(script) - 1)]
            if "SILENCE" in records:
                return False
            if "NXDOMAIN" in records or "SERVFAIL" in records:
                answer.set_rcode({"NXDOMAIN": 3, "SERVFAIL": 2}[records[0]])
                return True
            aliases = [r.split()[1] for r in records if r.startswith("CNAME ")]
            if not aliases:
                break
            alias = f"{aliases[0]}."
            answer.answer.append(dns.rrset.from_text(f"{name}.", 0, "IN", "CNAME", alias))
            name = aliases[0]
        values = [r.split()[1] for r in records if r.split()[0] == kind]
        if values:
            answer.answer.append(dns.rrset.from_text(f"{name}.", 0, "IN", kind, *values))
        return True

    def learn(self, records: Mapping[str, Script]) -> None:
        self.scripts.update(records)
