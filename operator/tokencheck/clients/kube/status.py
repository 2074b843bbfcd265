"""The one writer of status: a merge patch that only fits the object it was computed from."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tokencheck.clients.kube.answers import WithheldError
from tokencheck.clients.kube.decode import HEAD, decode
from tokencheck.clients.kube.limits import TokenBucket
from tokencheck.clients.kube.media import WRITTEN
from tokencheck.clients.kube.resources import OWN
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError
from tokencheck.model.keys import Key
from tokencheck.model.ports import WriteResult

FIELD_MANAGER = "tokencheck"
THROTTLED = 429
# Throttling that comes and goes is told no more often; metrics count each try.
TOLD_EVERY_S = 60.0
_LOG = logging.getLogger(__name__)
RESULTS = {
    200: WriteResult.WRITTEN,
    201: WriteResult.WRITTEN,
    404: WriteResult.GONE,
    409: WriteResult.CONFLICT,
    400: WriteResult.REJECTED,
    422: WriteResult.REJECTED,
    401: WriteResult.REFUSED,
    403: WriteResult.REFUSED,
}
USUAL = frozenset({WriteResult.WRITTEN, WriteResult.GONE, WriteResult.CONFLICT})


class StatusWriter:
    """Implements `model.ports.StatusSink` for our own kinds."""

    def __init__(
        self, transport: Transport, *, leads: Callable[[Key], bool] = lambda _: True
    ) -> None:
        """Write through `transport`, and only what `leads` allows at the moment of sending."""
        self._transport = transport
        self._leads = leads
        self._throttled = False  # and that was told
        self._tellings = TokenBucket(per_second=1 / TOLD_EVERY_S, burst=1)

    async def write(
        self, key: Key, *, uid: str, resource_version: str, status: Mapping[str, Any]
    ) -> tuple[WriteResult, str]:
        """Merge `status` into the object's, and return how that ended with the new resourceVersion.

        The resourceVersion is the fence: the server compares it and answers 409. A merge patch
        alone ignores a wrong uid, so the answer's uid is compared too.
        """
        path = OWN[key.kind].path(key.namespace, key.name)
        if path is None:
            return WriteResult.GONE, ""
        if not self._leads(key):
            return WriteResult.STANDBY, ""
        patch = {"metadata": {"uid": uid, "resourceVersion": resource_version}, "status": status}
        try:
            answer = await self._transport.patch(
                f"{path}/status",
                patch,
                {"fieldManager": FIELD_MANAGER},
                accept=WRITTEN,
                only_if=partial(self._leads, key),
            )
        except WithheldError:
            return WriteResult.STANDBY, ""
        except ClusterError as error:
            self._tell(key, error.status, str(error))
            return WriteResult.FAILED, ""
        result = RESULTS.get(answer.status, WriteResult.FAILED)
        self._tell(key, answer.status, "" if result in USUAL else f"HTTP {answer.status}")
        if result is not WriteResult.WRITTEN:
            return result, ""
        head = decode(HEAD, answer.body)
        if head is None or head.metadata.uid != uid:
            return WriteResult.GONE, ""
        return WriteResult.WRITTEN, head.metadata.resource_version

    def _tell(self, key: Key, status: int, why: str) -> None:
        """Log why a status was not written; of throttling only that it begins and that it ends."""
        if status == THROTTLED:
            if not self._throttled and self._tellings.try_take():
                self._throttled = True
                _LOG.warning(
                    "%s: the status was not written: the API server throttles us (HTTP 429); each "
                    "is tried again, and a line tells when one is taken. If it lasts, give the "
                    "operator's ServiceAccount a FlowSchema of its own",
                    key,
                )
            return
        if status and self._throttled:  # without an answer nothing is known
            self._throttled = False
            _LOG.info("the API server takes statuses again")
        if why:
            _LOG.warning("%s: the status was not written: %s", key, why)
