"""The one way to the API server.

The kubernetes package brings what is hard to do right: kubeconfig, exec plugins, TLS. Its typed
models are not used: answers stay bytes until someone who knows what is needed decodes them.
Requests and streams have connections of their own, so that many watches never starve a read.
"""

import asyncio
import ssl
import urllib.request
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec

from tokencheck.clients.kube.answers import (
    MAX_LINE_BYTES,
    Answer,
    HeldBackBy,
    LateError,
    Retry,
    StalledError,
    body_of,
    broken,
    lines_of,
    refused,
    retry_after_s,
)
from tokencheck.clients.kube.call import Call, resource_of
from tokencheck.clients.kube.configuration import road_to
from tokencheck.clients.kube.credentials import Credentials
from tokencheck.clients.kube.echoes import Known, WithoutEchoes, WithoutKnown
from tokencheck.clients.kube.gate import Gate
from tokencheck.clients.kube.guard import OPERATOR_WRITES, Write, require_allowed
from tokencheck.clients.kube.limits import pause_s
from tokencheck.clients.kube.line import Bounds
from tokencheck.clients.kube.media import JSON, MERGE_PATCH
from tokencheck.clients.kube.road import Request, Response, Road
from tokencheck.clients.kube.urgency import Urgency, urgency_of
from tokencheck.model.errors import ClusterError

# A pass has a minute, and makes several requests: whoever would wait for longer comes back later.
_LONGEST_HOLD_S = 15.0
_HEADERS = {"User-Agent": "tokencheck", "Accept-Encoding": "identity"}
# A ValueError: what would be sent is no request, or a certificate is not trusted.
_ERRORS = (aiohttp.ClientError, OSError, ValueError)
_NOT_TRUSTED = (ssl.SSLCertVerificationError, aiohttp.ClientConnectorCertificateError)
_ATTEMPTS = 4  # of one request that the server throttles (429) or whose credentials ended (401)
NO_ANSWER = 0  # stands for the HTTP status where no whole answer came


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one process.

    Args:
        per_second, burst: requests, streams not counted. The server's own fairness decides below
            that.
        connections: open at once for requests, of which the less urgent never take the last;
            `streams` for watches. Source: docs/adr/0017
    """

    per_second: float = 1000.0
    burst: int = 2000
    connections: int = 32
    streams: int = 4000


class Transport:
    """Requests to one API server. Every answer is a value; only silence and breaks raise."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        limits: Limits | None = None,
        writes: tuple[Write, ...] = OPERATOR_WRITES,
    ) -> None:
        """Use `connect` instead."""
        limits = limits or Limits()
        # verb, resource, HTTP status of every answer, those that were asked again included
        self.requests: Counter[tuple[str, str, str]] = Counter()
        self.retries = dict.fromkeys(Retry, 0)
        self.held_back_s = dict.fromkeys(HeldBackBy, 0.0)
        # Told each answer, and how many seconds ago it was asked for.
        self.on_answer: Callable[[Answer, float], None] = lambda _answer, _asked_s: None
        self.credentials = credentials
        self._writes = writes
        bounds = Bounds(per_second=limits.per_second, burst=limits.burst, places=limits.connections)
        self._gate = Gate(bounds, self._waited)
        known, tls = credentials.configuration, credentials.tls
        self._road = road_to(known, tls, size=limits.connections)
        self._streams = road_to(known, tls, size=limits.streams)
        credentials.on_renewed = self._renew

    @classmethod
    async def connect(
        cls,
        *,
        kubeconfig: Path | None = None,
        context: str | None = None,
        limits: Limits | None = None,
        writes: tuple[Write, ...] = OPERATOR_WRITES,
    ) -> "Transport":
        """Return a transport for a kubeconfig file; without one, for the cluster around this Pod.

        Raises:
            UsageError: the credentials cannot be found or read.
        """
        return cls(await Credentials.read(kubeconfig, context), limits=limits, writes=writes)

    async def close(self) -> None:
        """Close all connections; requests under way fail."""
        for road in (self._road, self._streams):
            await road.close()

    def session(
        self, *, watching: Callable[[str], None] = lambda _: None, known: Known | None = None
    ) -> aiohttp.ClientSession:
        """Return a session with these credentials for a library that sends requests of its own.

        It belongs to the event loop that runs now, and to whoever gets it, and takes the same way
        to the server. Writes are refused.
        `watching` is called with the path when the server has opened a watch; what is `known` is
        left out of lists and watches of TokenChecks. It is closed when the server's certificate is
        not trusted: another one, of another transport, trusts what is trusted then.
        """

        async def authorised(
            request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
        ) -> aiohttp.ClientResponse:
            require_allowed((), request.method, request.url.path)
            request.headers.update(await self.credentials.header())
            request.server_hostname = known_as
            try:
                response = await handler(request)
            except _NOT_TRUSTED:
                await session.close()
                raise
            if response.status == HTTPStatus.OK:
                watches = "watch" in request.url.query
                if watches:
                    watching(request.url.path)
                if known and request.url.path.endswith("/tokenchecks"):
                    spared = WithoutEchoes if watches else WithoutKnown
                    response.content = spared(response.content, known)  # type: ignore[assignment]  # reads alike
            return response

        cluster = self.credentials.configuration
        known_as = cluster.tls_server_name
        session = aiohttp.ClientSession(
            proxy=cluster.proxy,
            connector=aiohttp.TCPConnector(ssl=self.credentials.tls),
            middlewares=(authorised,),
            trust_env=bool(urllib.request.getproxies()),
            read_bufsize=MAX_LINE_BYTES,
        )
        return session

    @property
    def server(self) -> str:
        """Return the URL of the API server."""
        return str(self.credentials.configuration.host)

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str = JSON,
        timeout_s: float = 30.0,
    ) -> Answer:
        """Return the answer to a read.

        Raises:
            ClusterError: no answer came.
        """
        return await self.request("GET", path, params, accept=accept, timeout_s=timeout_s)

    async def patch(
        self,
        path: str,
        body: Mapping[str, Any],
        params: Mapping[str, str] | None = None,
        *,
        content_type: str = MERGE_PATCH,
        accept: str = JSON,
        timeout_s: float = 10.0,
        only_if: Callable[[], bool] = lambda: True,
    ) -> Answer:
        """Return the answer to a patch.

        Args:
            only_if: asked right before the request is sent, and each time that it is sent again.

        Raises:
            WithheldError: `only_if` said no; nothing was sent since.
            ClusterError: no answer came; the patch may have been applied.
            PermissionError: this process never makes such a write.
        """
        return await self.request(
            "PATCH",
            path,
            params,
            body=body,
            content_type=content_type,
            accept=accept,
            timeout_s=timeout_s,
            only_if=only_if,
        )

    async def post(self, path: str, body: Mapping[str, Any], *, accept: str = JSON) -> Answer:
        """Return the answer to a create; raises as `patch` does."""
        return await self.request("POST", path, body=body, accept=accept, timeout_s=10.0)

    async def stream(
        self, path: str, params: Mapping[str, str], *, accept: str, silent_s: float
    ) -> AsyncGenerator[bytes, None]:
        """Yield each line of a watch until the server ends it. Close it with `contextlib.aclosing`.

        Args:
            path, params: of the watch.
            accept: media type of its objects.
            silent_s: how long nothing may come.

        Raises:
            StalledError: nothing came for `silent_s`.
            ClusterError: refused (with its status), broken, or a line is too long.
        """
        call = Call(
            method="GET",
            path=path,
            params=params,
            headers={"Accept": accept},
            timeout_s=silent_s,
        )
        answered = False
        try:
            async with self._opened(self._streams, call) as (response, _):
                answered = True
                self._count(call, response.status)
                if response.status != 200:
                    raise refused(f"watch {path}", response.status)
                async for line in lines_of(response, silent_s=silent_s):
                    yield line
        except TimeoutError:
            raise StalledError(f"watch {path}: silent for {silent_s:g} s") from None
        except _ERRORS as error:
            raise broken(call.where, error) from None
        finally:
            if not answered:
                self._count(call, NO_ANSWER)

    async def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str = JSON,
        content_type: str = JSON,
        body: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        timeout_s: float = 10.0,
        only_if: Callable[[], bool] = lambda: True,
    ) -> Answer:
        """Return the answer to any request; arguments and errors as those of `patch`."""
        require_allowed(self._writes, method, path, params)
        call = Call(
            method=method,
            path=path,
            params=params or {},
            headers={"Accept": accept, "Content-Type": content_type},
            timeout_s=timeout_s,
            body=b"" if body is None else msgspec.json.encode(body),
            only_if=only_if,
        )
        try:
            async with self._opened(self._road, call) as (response, asked):
                data = await body_of(response, call.where)
                self._count(call, response.status)
                answer = Answer(status=response.status, body=data, date=response.header("Date"))
                self.on_answer(answer, asyncio.get_running_loop().time() - asked)
                return answer
        except TimeoutError:
            self._count(call, NO_ANSWER)
            raise LateError(f"{method} {path}: no answer within {timeout_s:g} s") from None
        except _ERRORS as error:
            self._count(call, NO_ANSWER)
            raise broken(call.where, error) from None

    @asynccontextmanager
    async def _opened(self, road: Road, call: Call) -> AsyncIterator[tuple[Response, float]]:
        """Enter the answer, with when it was asked for.

        Asked again while throttled, and once with fresh credentials. A 429 holds back all requests
        of its kind for as long as the server asks, and no others.
        """
        urgency = urgency_of(call)
        for attempt in range(1, _ATTEMPTS + 1):
            async with self._may_go(road, urgency):
                request = await self._request_of(call)
                asked = asyncio.get_running_loop().time()
                async with (
                    asyncio.timeout(call.timeout_s) as limit,
                    self._trusted(road, request) as response,
                ):
                    if response.status == 401 and attempt == 1 and await self.credentials.reload():
                        self._again(call, response.status, Retry.UNAUTHORIZED)
                        continue
                    self.credentials.answered(response.status)
                    if response.status == 429:
                        self._gate.hold(urgency, pause_s(retry_after_s(response)))
                    if response.status != 429 or attempt == _ATTEMPTS:
                        if road is self._streams:
                            limit.reschedule(None)  # each line has its own
                        yield response, asked
                        return
                    await body_of(response, call.where)  # read, so that the connection is kept
            self._again(call, 429, Retry.THROTTLED)

    @asynccontextmanager
    async def _trusted(self, road: Road, request: Request) -> AsyncIterator[Response]:
        """Enter the answer; one who is not trusted is asked again by what is read anew."""
        async with AsyncExitStack() as entered:
            try:
                response = await entered.enter_async_context(road.exchange(request))
            except _NOT_TRUSTED:
                self.credentials.distrusted()
                if not await self.credentials.reload():
                    raise
                response = await entered.enter_async_context(road.exchange(request))
            yield response

    @asynccontextmanager
    async def _may_go(self, road: Road, urgency: Urgency) -> AsyncIterator[None]:
        """Enter when a request may go. A stream, which lasts, takes nobody's place.

        Raises:
            ClusterError: the server asked for more patience than a pass has: it is told so at once.
        """
        if road is self._streams:
            await self._gate.open_for(urgency)
            yield
        elif self._gate.held_s(urgency) > _LONGEST_HOLD_S:
            raise ClusterError("the API server asked to be left alone for longer", status=429)
        else:
            async with self._gate.passing(urgency):
                yield

    def _waited(self, by: HeldBackBy, seconds: float) -> None:
        self.held_back_s[by] += seconds

    def _count(self, call: Call, status: int) -> None:
        self.requests[call.verb, resource_of(call.path), str(status)] += 1

    def _again(self, call: Call, status: int, why: Retry) -> None:
        self._count(call, status)
        self.retries[why] += 1

    async def _request_of(self, call: Call) -> Request:
        query = f"?{urlencode(call.params)}" if call.params else ""
        return Request(
            method=call.method,
            target=f"{call.path}{query}",
            headers={**_HEADERS, **call.headers, **await self.credentials.header()},
            body=call.body,
            before_send=call.require_wanted,
        )

    def _renew(self, tls: ssl.SSLContext) -> None:
        for road in (self._road, self._streams):
            road.renew(tls)
