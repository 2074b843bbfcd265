"""A LIST as one consistent state of the server, page by page."""

from collections.abc import AsyncGenerator, Mapping

from msgspec import Raw

from tokencheck.clients.kube.answers import refused
from tokencheck.clients.kube.decode import PAGE, decode, version_of
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError


async def consistent_pages(
    transport: Transport, path: str, params: Mapping[str, str], accept: str, size: int
) -> AsyncGenerator[tuple[int, list[Raw]], None]:
    """Yield (version, objects) of each page; all pages show the same version.

    Without resourceVersion the list is a consistent read: it is never older than what was seen.

    Raises:
        ClusterError: no answer, a refusal, or no list; 410 when the pages took so long that their
            version is forgotten, and the list must be begun again.
    """
    token = ""
    while True:
        query = {**params, "limit": str(size)} | ({"continue": token} if token else {})
        answer = await transport.get(path, query, accept=accept)
        if answer.status != 200:
            raise refused(f"list {path}", answer.status)
        page = decode(PAGE, answer.body)
        if page is None:
            raise ClusterError(f"list {path}: the answer is no list")
        yield version_of(page.metadata.resource_version), page.items or []
        token = page.metadata.continue_
        if not token:
            return
