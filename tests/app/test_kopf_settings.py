"""Kopf watches and writes nothing: its settings, its storages and its handlers, each looked at."""

from __future__ import annotations

import ast
from itertools import islice
from pathlib import Path
from typing import Any

import kopf
import pytest

from tokencheck.app.kopf_settings import (
    FINALIZER,
    Backoffs,
    NoDiffBase,
    NoMemories,
    NoProgress,
    configured,
)
from tokencheck.app.kopf_watch import KINDS

# Why each: the notes beside the settings, and docs/adr/0001.
EXPECTED = {
    "watching.chunk_size": 500,
    "watching.initial_streaming": False,
    "watching.server_timeout": 300,
    "watching.client_timeout": 330,
    "watching.connect_timeout": 5,
    "watching.inactivity_timeout": 70,
    "watching.reconnect_backoff": 1.0,
    "networking.request_timeout": 30,
    "networking.connect_timeout": 5,
    "networking.enforce_retry_after": True,
    "queueing.worker_limit": None,
    "queueing.idle_timeout": 0.1,
    "queueing.exit_timeout": 2,
    "queueing.error_delays": [1, 2, 5, 10],
    "persistence.finalizer": FINALIZER,
    "posting.enabled": False,
    "peering.standalone": True,
    "scanning.disabled": True,
    "execution.max_workers": 2,
    "process.ultimate_exiting_timeout": None,  # at its end Kopf would kill the process
}
BODY = kopf.Body(
    {
        "metadata": {"name": "checkout", "annotations": {"note": "kept"}},
        "spec": {"tokens": []},
        "status": {"kopf": {"progress": {"feed": {}}}},
    }
)


def value_at(settings: kopf.OperatorSettings, path: str) -> Any:
    found: Any = settings
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("path", EXPECTED)
def test_each_setting_is_as_decided(path: str) -> None:
    found = value_at(configured(), path)
    assert found == EXPECTED[path]
    assert type(found) is type(EXPECTED[path])  # a float time-out is sent as "300.0" and refused


@pytest.mark.parametrize("path", EXPECTED)
def test_kopf_knows_each_setting(path: str) -> None:
    """A name that Kopf does not have would be set in vain."""
    value_at(kopf.OperatorSettings(), path)


def test_the_client_gives_up_after_the_server_has_ended_the_watch() -> None:
    watching = configured().watching
    assert isinstance(watching.server_timeout, int)
    assert watching.client_timeout > watching.server_timeout
    # Bookmarks come each minute: a stream that is silent for longer is dead.
    assert 60 < watching.inactivity_timeout < watching.server_timeout


def test_the_pauses_between_tries_never_end_and_begin_anew_for_each_request() -> None:
    """A list that ends would end the process at a burst of 5xx."""
    backoffs = configured().networking.error_backoffs
    assert isinstance(backoffs, Backoffs)
    pauses = list(islice(backoffs, 1000))
    assert len(pauses) == 1000
    assert 0.08 <= pauses[0] <= 0.12
    assert all(4 <= pause <= 6 for pause in pauses[20:])
    assert next(iter(backoffs)) <= 0.12
    assert len(set(pauses[20:])) > 900, "jitter keeps replicas from marching in step"


def test_no_configuration_is_kept_of_any_object() -> None:
    storage = configured().persistence.diffbase_storage
    assert isinstance(storage, NoDiffBase)
    patch = kopf.Patch()
    assert storage.build(body=BODY) == storage.fetch(body=BODY) == {}
    storage.store(body=BODY, patch=patch, essence={"spec": {"tokens": []}})
    assert patch == {}


def test_no_progress_is_kept_of_any_handler() -> None:
    storage = configured().persistence.progress_storage
    assert isinstance(storage, NoProgress)
    patch = kopf.Patch()
    record: Any = {"started": "2026-01-01T00:00:00Z"}
    assert storage.fetch(key="feed", body=BODY) is None
    storage.store(key="feed", record=record, body=BODY, patch=patch)
    storage.touch(body=BODY, patch=patch, value="now")
    storage.purge(key="feed", body=BODY, patch=patch)
    assert patch == {}
    assert storage.clear(essence=dict(BODY)) == dict(BODY)


async def test_nothing_is_remembered_of_any_object() -> None:
    """Kopf would keep 0.9 KiB for each TokenCheck, of which nothing is ever read."""
    memories, body = NoMemories(), {"metadata": {"uid": "1"}}
    first = await memories.recall(body, noticed_by_listing=True, memobase=kopf.Memo())
    assert first.noticed_by_listing
    assert await memories.recall(body) is not first
    assert not list(memories.iter_all_memories())


# What is registered with it


@pytest.fixture(scope="module")
def parsed(checkout: Path) -> dict[str, ast.Module]:
    """Every file of the package that names Kopf."""
    files = (checkout / "operator" / "tokencheck").rglob("*.py")
    texts = {path.name: path.read_text() for path in files}
    return {name: ast.parse(text) for name, text in texts.items() if "kopf" in text}


def registrations(tree: ast.Module) -> list[str]:
    """Names below ``kopf.on``, and other decorators of Kopf, as they are called."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [ast.unparse(call) for call in calls if isinstance(call, ast.Attribute)]
    marked = ("kopf.on.", "kopf.timer", "kopf.daemon", "kopf.index", "kopf.adopt", "kopf.event")
    return sorted(name for name in names if name.startswith(marked))


def test_kopf_is_asked_for_events_and_a_login_and_nothing_else(
    parsed: dict[str, ast.Module],
) -> None:
    """Any other kind of handler makes Kopf write finalizers, annotations or status."""
    used = {name: found for name, tree in parsed.items() if (found := registrations(tree))}
    assert used == {"kopf_watch.py": ["kopf.on.event", "kopf.on.login"]}
    assert set(KINDS) == {"tokenchecks", "tokenproviders"}


def test_kopf_is_started_with_settings_and_memories_of_ours(parsed: dict[str, ast.Module]) -> None:
    calls = [node for node in ast.walk(parsed["kopf_watch.py"]) if isinstance(node, ast.Call)]
    (spawn,) = [call for call in calls if ast.unparse(call.func) == "kopf.spawn_tasks"]
    given = {word.arg: ast.unparse(word.value) for word in spawn.keywords}
    assert (given["settings"], given["memories"]) == ("configured()", "NoMemories()")


def handlers(tree: ast.Module) -> dict[str, ast.AsyncFunctionDef]:
    """The functions within ``_register``."""
    register = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "_register"
    )
    inner = [node for node in ast.walk(register) if node is not register]
    assert not [node for node in inner if isinstance(node, ast.FunctionDef)], "all are async"
    return {node.name: node for node in inner if isinstance(node, ast.AsyncFunctionDef)}


def test_the_handler_of_events_is_async_returns_nothing_and_asks_for_no_patch(
    parsed: dict[str, ast.Module],
) -> None:
    """What a handler returns, Kopf stores in the object's status; a patch it sends."""
    feed = handlers(parsed["kopf_watch.py"])["feed"]
    assert ast.unparse(feed.returns) == "None"
    body = list(ast.walk(feed))
    assert not [node for node in body if isinstance(node, ast.Return) and node.value is not None]
    assert not [node for node in body if isinstance(node, ast.Await | ast.Yield)]
    named = [arg.arg for arg in (*feed.args.args, *feed.args.kwonlyargs)]
    assert named == ["event", "_kind"]
    # The rest goes into a name that nobody reads.
    assert feed.args.kwarg.arg == "_"
    assert not [node for node in body if isinstance(node, ast.Name) and node.id == "_"]


def test_nothing_private_of_kopf_is_imported_but_what_it_takes_for_memories(
    parsed: dict[str, ast.Module],
) -> None:
    """`memories` is an argument of its public start, and has no public class."""
    for tree in parsed.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                private = (node.module or "").startswith("kopf.")
                assert not private or node.module == "kopf._core.reactor.inventory"
            if isinstance(node, ast.Import):
                assert not [one for one in node.names if one.name.startswith("kopf.")]
