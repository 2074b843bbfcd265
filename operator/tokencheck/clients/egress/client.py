"""One request to a provider, and its answer or the class of its fault.

A request has a connection of its own: nothing is shared between providers, nothing that one answer
leaves behind is read by the next. There is no jar for cookies, no redirect, no proxy and no
decompression to switch off: httpcore has none of them.
"""

import asyncio
import re
import ssl
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network

import httpcore

from tokencheck.clients.egress.answer import reply_of
from tokencheck.clients.egress.body import basic_of, body_of, login_of, media_type_of
from tokencheck.clients.egress.dial import Dial
from tokencheck.clients.egress.names import Names
from tokencheck.clients.egress.refused import Refused
from tokencheck.clients.egress.stream import HEAD_BYTES, Limits
from tokencheck.clients.egress.tls import tls_context
from tokencheck.clients.kube.limits import TokenBucket
from tokencheck.model.asking import Client, Credential, Login, NoReply, Question, Reply
from tokencheck.model.reasons import Reason
from tokencheck.model.reveal import reveal

USER_AGENT = "tokencheck"
PER_HOST = 4  # requests at a time, of all providers that name the host
# So many requests a second to one host on average, and so many at once after a rest: 620 in the
# busiest minute. GitHub refuses who sends 900. Source: "Rate limits for the REST API", secondary.
PER_SECOND, AT_ONCE = 10.0, 20
# For that. What the operator signs about itself before it waits is good for a minute.
LONGEST_WAIT_S = 30.0
# What a token may consist of, whatever its kind. Source: RFC 6750 section 2.1, b64token; and the
# characters that vendors add. Nothing that could end a header.
_TOKEN = re.compile(rb"[A-Za-z0-9._~+/=:|-]{1,16384}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")

_CROWDED = NoReply(
    reason=Reason.NOT_ASKED, detail="too many other questions wait for this host", crowded=True
)
_context = lru_cache(maxsize=64)(tls_context)


@dataclass(frozen=True, slots=True)
class _Place:
    """How busy one host may be made."""

    pace: TokenBucket
    turns: asyncio.Semaphore


class Egress:
    """Implements `model.ports.Asker` over real sockets."""

    def __init__(self, *, per_second: float = PER_SECOND, at_once: int = AT_ONCE) -> None:
        """Nothing is connected yet.

        Args:
            per_second: requests to one host, on average.
            at_once: after a rest.
        """
        self._names = Names()
        self._per_second = per_second
        self._at_once = at_once
        self._places: dict[str, _Place] = {}  # as many as admins listed hosts

    async def ask(self, question: Question) -> Reply | NoReply:
        """Return the answer, or why there is none that could be taken. Total but for cancellation.

        Within `question.deadline_s` seconds, whatever the other side does. They begin when a
        connection and the pace are free for this one: what we hold back ourselves is not the other
        side's time.
        """
        place = self._place(question.url.place)
        try:
            async with asyncio.timeout(LONGEST_WAIT_S):
                await place.turns.acquire()
        except TimeoutError:
            return _CROWDED
        try:
            wait_s = place.pace.take_s(LONGEST_WAIT_S)
            if wait_s is None:
                return _CROWDED
            await asyncio.sleep(wait_s)
            return await self._answer(question)
        finally:
            place.turns.release()

    async def _answer(self, question: Question) -> Reply | NoReply:
        try:
            async with asyncio.timeout(question.deadline_s):
                return await self._exchange(question)
        except TimeoutError:
            return NoReply(reason=Reason.TIMED_OUT, detail="no whole answer came in time")
        except Refused as refused:
            return NoReply(reason=refused.reason, detail=refused.detail)
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError):
            # Also what h11 and Python say of a header or an answer: its text may hold the token.
            return NoReply(reason=Reason.UNEXPECTED_ANSWER, detail="the answer is not HTTP/1.1")
        except (httpcore.NetworkError, httpcore.TimeoutException, ssl.SSLError, OSError):
            return NoReply(reason=Reason.UNREACHABLE, detail="the connection broke")

    def _place(self, name: str) -> _Place:
        place = self._places.get(name)
        if place is None:
            pace = TokenBucket(per_second=self._per_second, burst=self._at_once)
            place = self._places[name] = _Place(pace, asyncio.Semaphore(PER_HOST))
        return place

    async def _exchange(self, question: Question) -> Reply:
        url, destination = question.url, question.destination
        if url.place not in destination.places:
            raise Refused(
                Reason.NOT_ASKED,
                f"{url.place} is not among the provider's hosts; an admin lists it in spec.hosts",
            )
        method = "GET" if question.form is None else "POST"
        host = url.host.encode("ascii")
        body = b"" if question.form is None else body_of(question.form)
        headers = _headers(question, body)
        line = f"{method} {url.target} HTTP/1.1\r\n".encode("ascii")
        head = line + b"".join(b"%s: %s\r\n" % header for header in headers)
        limits = Limits(send=head + b"\r\n" + body, receive=question.max_bytes + HEAD_BYTES)
        listed = [ip_network(cidr) for cidr in destination.cidrs]
        connection = httpcore.AsyncHTTPConnection(
            origin=httpcore.Origin(b"https", host, url.port),
            ssl_context=_context(destination.ca_bundle, tls13=destination.tls13),
            network_backend=Dial(self._names, listed, limits),
        )
        request = httpcore.Request(
            method.encode("ascii"),
            httpcore.URL(
                scheme=b"https",
                host=host,
                port=url.port,
                target=url.target.encode("ascii"),
            ),
            headers=headers,
            content=body,
        )
        try:
            response = await connection.handle_async_request(request)
            return await reply_of(response, question.max_bytes, question.wants)
        finally:
            await connection.aclose()


def _headers(question: Question, body: bytes) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"Host", question.url.place.encode("ascii")),
        (b"Accept", question.accept.encode("ascii")),
        (b"Accept-Encoding", b"identity"),
        (b"Connection", b"close"),
        (b"User-Agent", USER_AGENT.encode("ascii")),
    ]
    if question.form is not None:
        headers.append((b"Content-Type", media_type_of(question.form)))
        headers.append((b"Content-Length", str(len(body)).encode("ascii")))
    match question.credential:
        case Credential() as credential:
            headers.append(_credential(credential))
        case Client() as client:
            headers.append((b"Authorization", basic_of(client)))
        case Login() as login:
            headers.append((b"Authorization", login_of(login)))
        case None:
            pass
    return headers


def _credential(credential: Credential) -> tuple[bytes, bytes]:
    """The text is judged before it becomes a header: libraries put a bad one into their errors."""
    value = reveal(credential.value)
    if not _TOKEN.fullmatch(value) or not _HEADER.fullmatch(credential.header):
        raise Refused(Reason.MALFORMED_TOKEN, "the token cannot stand in a header")
    scheme = f"{credential.scheme} " if credential.scheme else ""
    return credential.header.encode("ascii"), scheme.encode("ascii") + value
