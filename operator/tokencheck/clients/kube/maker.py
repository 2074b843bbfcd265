"""Makes, renews and removes the TokenChecks of ClusterTokenChecks."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from tokencheck.clients.kube.answers import Answer, WithheldError
from tokencheck.clients.kube.media import JSON, JSON_PATCH, WRITTEN
from tokencheck.clients.kube.resources import TOKEN_CHECKS
from tokencheck.clients.kube.status import RESULTS
from tokencheck.clients.kube.transport import Transport
from tokencheck.model.errors import ClusterError
from tokencheck.model.estate import Make, Remove, Renew, Step
from tokencheck.model.ports import WriteResult

FIELD_MANAGER = "tokencheck-cluster-check"
Body: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
_LOG = logging.getLogger(__name__)
_MANAGER = {"fieldManager": FIELD_MANAGER}


class KubeMaker:
    """Implements `model.ports.Maker`."""

    def __init__(self, transport: Transport, *, leads: Callable[[], bool]) -> None:
        """Write through `transport`, and only while `leads` says so."""
        self._transport = transport
        self._leads = leads

    async def take(self, step: Step) -> WriteResult:
        """Take one step, and return how it ended.

        CONFLICT says that the world is another one than was seen: the step is planned again.
        """
        try:
            answer = await self._send(step)
        except WithheldError:
            return WriteResult.STANDBY
        except ClusterError as error:
            _LOG.warning("TokenCheck %s/%s was not written: %s", *step.place, error)
            return WriteResult.FAILED
        if answer is None:
            return WriteResult.REJECTED
        result = RESULTS.get(answer.status, WriteResult.FAILED)
        if result in (WriteResult.REFUSED, WriteResult.REJECTED):
            _LOG.warning("TokenCheck %s/%s was refused: HTTP %d", *step.place, answer.status)
        return result

    async def _send(self, step: Step) -> Answer | None:
        """Return the answer, or None for a name that no object can have."""
        place = step.place
        one, all_of_them = TOKEN_CHECKS.path(*place), TOKEN_CHECKS.path(place.namespace)
        if one is None or all_of_them is None:
            return None
        match step:
            case Make(manifest=manifest):
                return await self._request("POST", all_of_them, manifest)
            case Remove(standing=standing):
                fence = {"uid": standing.uid, "resourceVersion": standing.resource_version}
                body = {"preconditions": fence, "propagationPolicy": "Background"}
                return await self._request("DELETE", one, body)
            case Renew():  # pragma: no branch - mypy proves it the last
                return await self._request("PATCH", one, _patch(step), content_type=JSON_PATCH)

    async def _request(
        self, method: str, path: str, body: Body, *, content_type: str = JSON
    ) -> Answer:
        params = {} if method == "DELETE" else _MANAGER
        return await self._transport.request(
            method,
            path,
            params,
            body=body,
            content_type=content_type,
            accept=WRITTEN,
            only_if=self._leads,
        )


def _patch(step: Renew) -> list[dict[str, Any]]:
    """Return the patch; where another version stands it is a conflict. Source: RFC 6902."""
    standing = step.standing
    patch = [
        _operation("replace", "metadata", "resourceVersion", value=standing.resource_version),
        _operation("replace", "spec", value=step.spec),
    ]
    if step.labels:
        labels = {key: standing.labels[key] for key in standing.labels.keys() - step.labels.keys()}
        labels |= {key: value for key, value in step.labels.items() if value is not None}
        patch.append(_operation("add", "metadata", "labels", value=labels))
    if step.stamps and not standing.annotated:
        patch.append(_operation("add", "metadata", "annotations", value={}))
    for key, value in step.stamps.items():
        op = "remove" if value is None else "add"
        patch.append(_operation(op, "metadata", "annotations", key, value=value))
    return patch


def _operation(op: str, *path: str, value: object) -> dict[str, Any]:
    """Return one operation; names become parts of a JSON Pointer as RFC 6901 section 3 says."""
    pointer = "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in path)
    return {"op": op, "path": pointer} | ({} if op == "remove" else {"value": value})
