"""Servers that lie, hang or flood, tokens that no header may hold, and names that do not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from island.listeners import Host
from island.serving import RAW, SLOW
from island.vector import ANSWER, HASTE_S, Vector

Fresh = Callable[[], tuple[str, str]]
Record = Callable[[str], str]

_TAKEN = {  # name of the answer: status with which it is returned
    "keys": 200,
    "chunked": 200,
    "until closed": 200,
    "identity named": 200,
    "early hints": 200,
    "another service advertised": 200,
    "trailers": 200,
    "refresh header": 200,
    "link header": 200,
    "status 204": 204,
    "status 401 with the token": 401,
    "status 404": 404,
    "status 429": 429,
    "status 500": 500,
    "status 503": 503,
}
_LARGE = (
    "body a little too large",
    "large body",
    "large length",
    "large chunk",
    "many chunks",
    "large until closed",
    "large early hints",
    "many early hints",
    "large trailers",
    "large chunk extension",
    "chunk extensions",
    "large header",
    "many headers",
    "long reason",
)


def _expected(serve: str) -> str:
    if serve in _TAKEN:
        return ANSWER
    return "AnswerTooLarge" if serve in _LARGE else "UnexpectedAnswer"


def answers(fresh: Fresh, record: Record) -> Iterator[Vector]:
    """Every kind of answer, under caps and a deadline."""
    name, _ = fresh()
    yield Vector(
        id="name: a DNS server that never answers",
        family="slow",
        url=f"https://{name}/keys",
        expect="TimedOut",
        names={name: (("SILENCE",),)},
        deadline_s=HASTE_S,
    )
    for serve in (*RAW, *SLOW):
        slow = serve in SLOW
        name, good = fresh()
        yield Vector(
            id=f"answer: {serve}",
            family="slow" if slow else "answer",
            url=f"https://{name}/keys",
            expect="TimedOut" if slow else _expected(serve),
            status=_TAKEN.get(serve, 200),
            may_reach=(good,),
            credential_at=(good,),
            names={name: ((record(good),),)},
            hosts={good: Host(serve=serve, name=name)},
            **({"deadline_s": HASTE_S} if slow else {}),
        )


def secured(fresh: Fresh, record: Record) -> Iterator[Vector]:
    """Who cannot prove that he is the host learns nothing."""
    wrong = (
        "expired",
        "not yet valid",
        "stranger",
        "other name",
        "self-signed",
        "TLS 1.1",
        "closes",
        "clear",
    )
    for trust in ("island", "system", "stranger", "nonsense"):
        for tls in ("right", *wrong):
            name, good = fresh()
            right = trust == "island" and tls == "right"
            right = right or (trust == "stranger" and tls == "stranger")
            yield Vector(
                id=f"tls: {tls} server, {trust} trusted",
                family="tls",
                url=f"https://{name}/keys",
                expect=ANSWER if right else "TLSFailed",
                may_reach=(good,),
                names={name: ((record(good),),)},
                hosts={good: Host(tls=tls, name=name)},
                trust=trust,
            )


def silent(fresh: Fresh, record: Record) -> Iterator[Vector]:
    """Servers and names that do not answer."""
    name, good = fresh()
    yield Vector(
        id="tls: a server that never answers",
        family="slow",
        url=f"https://{name}/keys",
        expect="TimedOut",
        may_reach=(good,),
        names={name: ((record(good),),)},
        hosts={good: Host(tls="silent", name=name)},
        deadline_s=HASTE_S,
    )
    for script, expect in (("NXDOMAIN", "DNSFailed"), ("SERVFAIL", "DNSFailed")):
        name, _ = fresh()
        yield Vector(
            id=f"name: {script}",
            family="names",
            url=f"https://{name}/keys",
            expect=expect,
            names={name: ((script,),)},
        )
    for other in ("TXT", "MX"):
        name, _ = fresh()
        yield Vector(
            id=f"name: only {other} records",
            family="names",
            url=f"https://{name}/keys",
            expect="DNSFailed",
            names={name: ((f"{other} x",),)},
        )


def cookies(fresh: Fresh, record: Record) -> Iterator[Vector]:
    """What one answer leaves behind the next request does not carry; nor does a bad token go."""
    name, good = fresh()
    yield Vector(
        id="cookie: one set by an answer is not sent back",
        family="cookie",
        url=f"https://{name}/keys",
        expect=ANSWER,
        may_reach=(good,),
        names={name: ((record(good),),)},
        hosts={good: Host(serve="cookie", name=name)},
        times=3,
    )
    endings = ("\n", "\r\n", "\r\nX-Evil: 1", "\0", " ", "\t", "é", "\x7f", '"', ",", "\u2028")
    for ending in endings:
        for where in ("{0}{1}", "{1}{0}", "aaaa{1}{0}"):
            name, good = fresh()
            yield Vector(
                id=f"token: {ending!a} in {where}",
                family="token",
                url=f"https://{name}/keys",
                expect="MalformedToken",
                names={name: ((record(good),),)},
                hosts={good: Host(name=name)},
                token=where.format("canary-Zq7Jm2Vx9Lw4Tc8Rb6Nd1Kf3", ending),
            )
