"""What an operator says of itself at /readyz: through the API server, or at an address."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tokencheck.api.quantity import parse_time
from tokencheck.clients.kube.resources import PODS
from tokencheck.clients.kube.reviews import review
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.doctor.facts import Page
from tokencheck.model.errors import ClusterError, UsageError
from tokencheck.model.evidence import Absent, Denied, Failed, Unread
from tokencheck.model.rights import Right

_TIMEOUT_S = 5.0
_MAX_BYTES = 1 << 20
_ANSWERS = (200, 503)  # ready and not ready


async def page_of_pod(
    transport: Transport, namespace: str, pod: str, port: int, now: Callable[[], datetime | None]
) -> Page | Unread:
    """Return the page of a Pod, asked through the API server's proxy.

    Args:
        now: the API server's clock; None where it is not known.
    """
    what = f"Pod {namespace}/{pod}"
    path = PODS.path(namespace, pod)
    if path is None:
        return Absent(what=what)
    try:
        answer = await transport.get(f"{path}:{port}/proxy/readyz", timeout_s=_TIMEOUT_S)
    except ClusterError:
        return Failed(what=what)
    if answer.status in (401, 403):
        # A server that refuses to proxy to this address says 403 too.
        right = Right(verb="get", group="", resource="pods/proxy", namespace=namespace, name=pod)
        asked = await review(transport, right)
        return Failed(what=what) if asked.allowed else Denied(what=what)
    return page_from(answer.status, answer.body, what, now())


def require_address(url: str) -> None:
    """Return when an operator may be asked there.

    Raises:
        UsageError: it is no http address.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise UsageError("--url is no address: write http://127.0.0.1:8080")


async def page_at(url: str, now: Callable[[], datetime | None]) -> Page | Unread:
    """Return the page of the operator at this address (``http://127.0.0.1:8080``)."""
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{url.rstrip('/')}/readyz", allow_redirects=False) as answer,
        ):
            body = await answer.content.read(_MAX_BYTES)
            return page_from(answer.status, body, url, now())
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return Failed(what=url)


def page_from(status: int, body: bytes, what: str, now: datetime | None) -> Page | Unread:
    """Return what an answer says at `now`; Failed when it is not that of an operator."""
    try:
        said = json.loads(body) if status in _ANSWERS else None
    except ValueError:
        said = None
    if status == 404:
        return Absent(what=what)
    if not isinstance(said, dict) or not isinstance(said.get("ok"), bool):
        return Failed(what=what)
    reasons = said.get("reasons")
    return Page(
        ready=said["ok"],
        reasons=tuple(map(str, reasons)) if isinstance(reasons, list) else (),
        facts=said,
        ahead_s=_ahead(said, now),
    )


def _ahead(said: Mapping[str, Any], now: datetime | None) -> float | None:
    """Return how far the operator's clock is ahead of the API server's."""
    told = parse_time(said.get("time"))
    return None if told is None or now is None else (told - now).total_seconds()
