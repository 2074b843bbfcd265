"""An API server small enough for a unit test: objects in a dictionary, lists, watches, patches."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from typing import Any, Self

from aiohttp import web

from tokencheck.api.tokencheck import ANNOTATION_CHECK_NOW
from tokencheck.core.rights.policy import PROBE_REFUSAL
from tokencheck.model.admission import REQUESTER_POLICY

Object = dict[str, Any]
Place = tuple[str, str, str]  # plural, namespace, name

_REVIEWS = {
    "subjectaccessreviews": {"allowed": True},
    "tokenreviews": {
        "authenticated": True,
        "user": {"username": "system:serviceaccount:shop:robot", "uid": "7", "groups": []},
        "audiences": ["https://kubernetes.default.svc"],
    },
}
_LAWFUL = ("tokenreviews",)  # have a token in their bodies, and go to nobody else
MOMENT_S = 0.02
VERIFIED = {
    "observedGeneration": 1,
    "verdict": "Valid",
    "conditions": [{"type": "Ready", "status": "True", "reason": "AllChecksPassed"}],
    "rollout": {"uid": "uid-of-checkout", "generation": 1, "verifiedGeneration": 1},
}


class ApiServer:
    """Serves on 127.0.0.1. An asynchronous context manager."""

    def __init__(self, objects: dict[Place, Object]) -> None:
        """Has these objects when it starts."""
        self.version = 100
        self.heard: list[bytes] = []  # all requests but those that hold a token by their nature
        self.statuses: list[Object] = []
        self.events: list[Object] = []
        self.refused = 0  # dry runs, as the shipped policy does it
        self._objects: dict[Place, Object] = {}
        self._watches: dict[tuple[str, str], set[asyncio.Queue[Object | None]]] = defaultdict(set)
        for place, found in objects.items():
            self.put(place, found)

    def put(self, place: Place, found: Object) -> None:
        """The object stands there in a new version, and watches are told."""
        self.version += 1
        _, namespace, name = place
        meta = {"name": name, "uid": f"uid-of-{name}", "generation": 1} | found.get("metadata", {})
        meta |= {"namespace": namespace} if namespace else {}
        made = found | {"metadata": meta | {"resourceVersion": str(self.version)}}
        kind = "MODIFIED" if place in self._objects else "ADDED"
        self._objects[place] = made
        self._tell(place, {"type": kind, "object": made})

    def redefine(self, place: Place, **parts: Any) -> None:
        """It reads otherwise in the version that it has, as when its CRD gets another schema."""
        self._objects[place] |= parts

    def end_watches(self) -> None:
        """All that are open end properly."""
        for queue in [one for queues in self._watches.values() for one in queues]:
            queue.put_nowait(None)

    def _tell(self, place: Place, event: Object) -> None:
        plural, namespace, _ = place
        for scope in {namespace, ""}:
            for queue in self._watches[plural, scope]:
                queue.put_nowait(event)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0])
        return self

    async def __aexit__(self, *_: object) -> None:
        self.end_watches()
        await asyncio.sleep(0.01)  # their last bytes
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        heads = {k: v for k, v in request.headers.items() if k != "Authorization"}
        lawful = request.path.endswith(_LAWFUL)
        self.heard.append(f"{request.method} {request.path_qs} {heads} ".encode())
        self.heard.append(b"" if lawful else body)
        place = _place(request.path)
        match request.method:
            case "GET" if place[2]:
                return _one(self._objects.get(place))
            case "GET" if "watch" in request.query:
                return await self._watch(request, place)
            case "GET":
                return self._list(place)
            case "PATCH" if "dryRun" in request.query:
                self.refused += 1
                return _refused()
            case "PATCH":
                return self._patch(place, json.loads(body))
            case _:
                return self._create(place[0], json.loads(body))

    def _in(self, place: Place) -> list[Object]:
        plural, namespace, _ = place
        found = self._objects.items()
        return [one for at, one in found if at[0] == plural and namespace in ("", at[1])]

    def _list(self, place: Place) -> web.Response:
        meta = {"resourceVersion": str(self.version)}
        return web.json_response({"kind": "List", "metadata": meta, "items": self._in(place)})

    async def _watch(self, request: web.Request, place: Place) -> web.StreamResponse:
        response = web.StreamResponse()
        queue: asyncio.Queue[Object | None] = asyncio.Queue()
        for one in self._in(place):
            if int(one["metadata"]["resourceVersion"]) > int(request.query["resourceVersion"]):
                queue.put_nowait({"type": "MODIFIED", "object": one})
        self._watches[place[:2]].add(queue)
        try:
            await response.prepare(request)
            while (event := await queue.get()) is not None:
                await response.write(json.dumps(event).encode() + b"\n")
        except ConnectionError:
            pass  # whoever watched is gone
        finally:
            self._watches[place[:2]].discard(queue)
        return response

    def _patch(self, place: Place, patch: Object) -> web.Response:
        if place[0] == "events":
            self.events.append(patch)
            return _one({"metadata": {}})
        known = self._objects[place]
        if "status" not in patch:
            meta = known["metadata"]
            noted = meta.get("annotations", {}) | patch["metadata"]["annotations"]
            self.put(place, known | {"metadata": meta | {"annotations": noted}})
            return _one(self._objects[place])
        self.statuses.append(patch["status"])
        if patch["metadata"]["resourceVersion"] != known["metadata"]["resourceVersion"]:
            return web.json_response({"kind": "Status", "code": 409}, status=409)
        self.put(place, known | {"status": known.get("status", {}) | patch["status"]})
        return _one(self._objects[place])

    def _create(self, plural: str, made: Object) -> web.Response:
        if plural == "events":
            self.events.append(made)
        answer = made | {"status": _REVIEWS.get(plural, {})}
        return web.json_response(answer, status=201)


class Judging(ApiServer):
    """Plays the operator too: a moment after somebody begins to watch he is told good verdicts.

    They are kept nowhere, so whoever looks next has to wait as well.
    """

    async def _watch(self, request: web.Request, place: Place) -> web.StreamResponse:
        asyncio.get_running_loop().call_later(MOMENT_S, self._judge)
        return await super()._watch(request, place)

    def _judge(self) -> None:
        checks = [(at, one) for at, one in self._objects.items() if at[0] == "tokenchecks"]
        for place, check in checks:
            asked = check["metadata"]["annotations"].get(ANNOTATION_CHECK_NOW)
            judged = check | {"status": VERIFIED | {"lastHandledCheckNow": asked}}
            self._tell(place, {"type": "MODIFIED", "object": judged})


def _refused() -> web.Response:
    """As the shipped policy refuses what proves that it is enforced."""
    name = REQUESTER_POLICY
    message = f"ValidatingAdmissionPolicy '{name}' with binding '{name}' denied request: "
    said = {"kind": "Status", "code": 403, "message": message + PROBE_REFUSAL}
    return web.json_response(said, status=403)


def _one(found: Object | None) -> web.Response:
    if found is None:
        return web.json_response({"kind": "Status", "code": 404}, status=404)
    return web.json_response(found)


def _place(path: str) -> Place:
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    plural, name, *_ = [*rest, "", ""]
    return plural, namespace, name
