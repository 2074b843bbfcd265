"""The one way to the API server, and the only importer of the kubernetes package.

The package brings what is hard to do right: kubeconfig, exec plugins, TLS, the in-cluster token
that it reads again each minute. Its typed models are not used: answers stay bytes until someone who
knows what is needed decodes them. Requests and streams have connections of their own, so that many
watches never starve a read.
"""

import asyncio
import urllib.request
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from tokencheck.clients.kube.answers import (
    MAX_LINE_BYTES,
    Answer,
    HeldBackBy,
    Retry,
    StalledError,
    body_of,
    broken,
    lines_of,
    retry_after_s,
)
from tokencheck.clients.kube.guard import OPERATOR_WRITES, Write, require_allowed
from tokencheck.clients.kube.limits import TokenBucket, jitter
from tokencheck.model.errors import ClusterError, UsageError

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
_CONNECT_S = 5.0
_ATTEMPTS = 4  # of one request that the server throttles (429) or whose credentials ended (401)
NO_ANSWER = 0  # stands for the HTTP status where no whole answer came
_RELOAD_EVERY_S = 5.0  # a plugin that hands out bad credentials is not run for every request


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one process.

    Args:
        per_second, burst: requests, streams not counted. The server's own fairness decides below
            that.
        connections: open at once for requests; `streams` for watches.
    """

    per_second: float = 1000.0
    burst: int = 2000
    connections: int = 32
    streams: int = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    timeout: aiohttp.ClientTimeout
    body: Mapping[str, Any] | None = None

    @property
    def where(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def verb(self) -> str:
        return "watch" if "watch" in self.params else self.method.lower()


class Transport:
    """Requests to one API server. Every answer is a value; only silence and breaks raise."""

    def __init__(
        self,
        configuration: Configuration,
        reload: Callable[[Configuration], Awaitable[None]],
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
        self._configuration = configuration
        self._reload_configuration = reload
        self._writes = writes
        self._bucket = TokenBucket(per_second=limits.per_second, burst=limits.burst)
        self._reload_lock = asyncio.Lock()
        self._reloaded_at = -_RELOAD_EVERY_S
        configuration.connection_pool_maxsize = limits.connections
        self._api = ApiClient(configuration)
        configuration.connection_pool_maxsize = limits.streams
        self._streams = ApiClient(configuration)

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

        async def load(configuration: Configuration) -> None:
            if kubeconfig is None:
                _load_in_cluster(configuration)
            else:
                await _load_kubeconfig(configuration, kubeconfig, context)

        configuration = Configuration()
        # A netrc file is looked for at each request when the environment is trusted, in a thread.
        configuration.client_session_kwargs = {"trust_env": bool(urllib.request.getproxies())}
        await load(configuration)
        return cls(configuration, load, limits=limits, writes=writes)

    async def close(self) -> None:
        """Close all connections; requests under way fail."""
        for api in (self._api, self._streams):
            await api.close()  # type: ignore[no-untyped-call]  # the package types little

    def session(self) -> aiohttp.ClientSession:
        """Return a session with these credentials for a library that sends requests of its own.

        It belongs to the event loop that runs now, and to whoever gets it. Writes are refused.
        """

        async def authorised(
            request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
        ) -> aiohttp.ClientResponse:
            require_allowed((), request.method, request.url.path)
            headers: dict[str, str] = {}
            await self._api.update_params_for_auth(
                headers, None, ["BearerToken"], request.url.path, request.method, None
            )
            if "authorization" in headers:
                request.headers["Authorization"] = headers["authorization"].strip()
            return await handler(request)

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._api.rest_client.ssl_context),
            middlewares=(authorised,),
            trust_env=bool(urllib.request.getproxies()),
            read_bufsize=MAX_LINE_BYTES,
        )

    @property
    def server(self) -> str:
        """Return the URL of the API server."""
        return str(self._configuration.host)

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
        return await self._request("GET", path, params, accept=accept, timeout_s=timeout_s)

    async def patch(
        self,
        path: str,
        body: Mapping[str, Any],
        params: Mapping[str, str] | None = None,
        *,
        content_type: str = MERGE_PATCH,
        timeout_s: float = 10.0,
    ) -> Answer:
        """Return the answer to a patch.

        Raises:
            ClusterError: no answer came; the patch may have been applied.
            PermissionError: this process never makes such a write.
        """
        return await self._request(
            "PATCH", path, params, body=body, content_type=content_type, timeout_s=timeout_s
        )

    async def post(self, path: str, body: Mapping[str, Any], *, timeout_s: float = 10.0) -> Answer:
        """Return the answer to a create; raises as `patch` does."""
        return await self._request("POST", path, body=body, content_type=JSON, timeout_s=timeout_s)

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
        timeout = aiohttp.ClientTimeout(sock_connect=_CONNECT_S, sock_read=silent_s)
        call = _Call(
            method="GET",
            path=path,
            params=params,
            headers={"Accept": accept, "Content-Type": JSON},
            timeout=timeout,
        )
        answered = False
        try:
            async with self._opened(self._streams, call) as response:
                answered = True
                self._count(call, response.status)
                if response.status != 200:
                    raise ClusterError(
                        f"watch {path}: HTTP {response.status}", status=response.status
                    )
                async for line in lines_of(response.content):
                    yield line
        except TimeoutError:
            raise StalledError(f"watch {path}: silent for {silent_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise broken(call.where, error) from None
        finally:
            if not answered:
                self._count(call, NO_ANSWER)

    async def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str = JSON,
        content_type: str = JSON,
        body: Mapping[str, Any] | None = None,
        timeout_s: float,
    ) -> Answer:
        require_allowed(self._writes, method, path)
        call = _Call(
            method=method,
            path=path,
            params=params or {},
            headers={"Accept": accept, "Content-Type": content_type},
            timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_S),
            body=body,
        )
        self.held_back_s[HeldBackBy.CLIENT] += await self._bucket.take()
        try:
            async with self._opened(self._api, call) as response:
                data = await body_of(response.content, call.where)
                self._count(call, response.status)
                return Answer(
                    status=response.status, body=data, date=response.headers.get("Date", "")
                )
        except TimeoutError:
            self._count(call, NO_ANSWER)
            raise ClusterError(f"{method} {path}: no answer within {timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            self._count(call, NO_ANSWER)
            raise broken(call.where, error) from None

    @asynccontextmanager
    async def _opened(self, api: ApiClient, call: _Call) -> AsyncIterator[aiohttp.ClientResponse]:
        """Enter the answer; ask again while throttled, and once with fresh credentials."""
        for attempt in range(1, _ATTEMPTS + 1):
            response = await self._send(api, call)
            async with response:
                if response.status == 401 and attempt == 1 and await self._reload():
                    self._again(call, response.status, Retry.UNAUTHORIZED)
                    continue
                if response.status != 429 or attempt == _ATTEMPTS:
                    yield response
                    return
                asked_s = retry_after_s(response)
            # Later than asked, never earlier: a herd that comes back in the same instant is
            # throttled again.
            pause_s = asked_s * 1.2 - jitter(asked_s * 0.2, 1.0) + 0.01
            self._again(call, response.status, Retry.THROTTLED)
            self.held_back_s[HeldBackBy.SERVER] += pause_s
            await asyncio.sleep(pause_s)

    def _count(self, call: _Call, status: int) -> None:
        self.requests[call.verb, resource_of(call.path), str(status)] += 1

    def _again(self, call: _Call, status: int, why: Retry) -> None:
        self._count(call, status)
        self.retries[why] += 1

    async def _send(self, api: ApiClient, call: _Call) -> aiohttp.ClientResponse:
        headers = {"User-Agent": "tokencheck", "Accept-Encoding": "identity", **call.headers}
        await api.update_params_for_auth(
            headers, None, ["BearerToken"], call.path, call.method, None
        )
        if "authorization" in headers:  # token files may end with a newline
            headers["authorization"] = headers["authorization"].strip()
        url = f"{self._configuration.host}{call.path}"
        if call.params:
            url = f"{url}?{urlencode(call.params)}"
        answer = await api.rest_client.request(  # type: ignore[no-untyped-call]  # as above
            call.method, url, headers=headers, body=call.body, _request_timeout=call.timeout
        )
        response: aiohttp.ClientResponse = answer.response
        return response

    async def _reload(self) -> bool:
        """Read the credentials again, and return whether asking again makes sense."""
        loop = asyncio.get_running_loop()
        async with self._reload_lock:
            if loop.time() - self._reloaded_at < _RELOAD_EVERY_S:
                return True  # somebody else just did
            self._reloaded_at = loop.time()
            try:
                await self._reload_configuration(self._configuration)
            except UsageError:
                return False
            return True


def resource_of(path: str) -> str:
    """Return the plural, and the subresource if any, of an API path: ``tokenchecks/status``."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if len(parts) > 2 and parts[0] == "namespaces" and parts[2] not in ("status", "finalize"):
        parts = parts[2:]
    return "/".join(parts[::2][:2])


async def _load_kubeconfig(configuration: Configuration, path: Path, context: str | None) -> None:
    try:
        await load_kube_config(  # type: ignore[no-untyped-call]  # the package types only its client
            config_file=str(path),
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
    except ConfigException:
        which = f"the context {context}" if context else "its current context"
        raise UsageError(
            f"The kubeconfig {path} does not exist or cannot be used: look at {which}."
        ) from None
    except Exception:  # noqa: BLE001 - yaml, files and plugins raise whatever they like, with content in the text
        raise UsageError(f"The kubeconfig {path} cannot be read.") from None


def _load_in_cluster(configuration: Configuration) -> None:
    try:
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # see above
    except (ConfigException, OSError):
        raise UsageError(
            "This process runs in no Pod with a service account. Name a cluster with --kubeconfig."
        ) from None
