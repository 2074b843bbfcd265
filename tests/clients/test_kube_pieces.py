"""The pieces of `clients.kube` that need no server."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.clients.kube.call import resource_of
from tokencheck.clients.kube.decode import (
    HEAD,
    SECRET,
    decode,
    secret_meta,
    secret_of,
    version_of,
)
from tokencheck.clients.kube.events import name_of
from tokencheck.clients.kube.guard import COMMAND_WRITES, OPERATOR_WRITES, require_allowed
from tokencheck.clients.kube.limits import Backoff, TokenBucket
from tokencheck.clients.kube.resources import SECRETS, TOKEN_PROVIDERS, WORKLOADS, is_name
from tokencheck.core.outcome.words import cut
from tokencheck.model.admission import PROBE_NAME
from tokencheck.model.evidence import SecretContent
from tokencheck.model.keys import Key
from tokencheck.model.outcome import Event, EventType

OWN = "/apis/tokencheck.dev/v1alpha1"
CANARY = "canary-9f3c"


# Limits


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    now = [0.0]
    bucket = TokenBucket(per_second=2, burst=3, clock=lambda: now[0])
    assert [bucket.try_take() for _ in range(4)] == [True, True, True, False]
    now[0] = 0.5
    assert [bucket.try_take() for _ in range(2)] == [True, False]
    now[0] = 100
    assert sum(bucket.try_take() for _ in range(10)) == 3


def test_a_bucket_that_is_empty_gives_its_rate_on_credit_to_whoever_comes_first() -> None:
    now = [0.0]
    bucket = TokenBucket(per_second=2, burst=2, clock=lambda: now[0])
    assert [bucket.take_s(1) for _ in range(6)] == [0, 0, 0.5, 1, None, None]
    now[0] = 0.75
    assert [bucket.take_s(1) for _ in range(2)] == [0.75, None]
    assert not bucket.try_take()
    now[0] = 100
    assert [bucket.take_s(1) for _ in range(3)] == [0, 0, 0.5]


def test_pauses_double_up_to_their_cap_and_start_again() -> None:
    backoff = Backoff(first_s=1, cap_s=8)
    for longest in (1, 2, 4, 8, 8):
        assert longest / 2 <= backoff.next_s() <= longest
    assert backoff.next_s(cap_s=0.5) <= 0.5
    backoff.reset()
    assert backoff.next_s() <= 1


# Writes


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", f"{OWN}/namespaces/shop/tokenchecks/a/status"),
        ("PATCH", f"{OWN}/tokenproviders/a/status"),
        ("POST", "/apis/events.k8s.io/v1/namespaces/shop/events"),
        ("PATCH", "/apis/events.k8s.io/v1/namespaces/shop/events/a.0f"),
        ("GET", "/api/v1/secrets"),
    ],
)
def test_the_operator_may_write_status_and_events(method: str, path: str) -> None:
    require_allowed(OPERATOR_WRITES, method, path)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/shop/secrets/a",
        "/api/v1/namespaces/shop/pods/a/status",
        "/apis/apps/v1/namespaces/shop/deployments/a",
        f"{OWN}/namespaces/shop/tokenchecks/a",
        f"{OWN}/namespaces/shop/tokenchecks/a/status/../../b",
        f"{OWN}/namespaces/shop/tokenchecks/a/../../../../secrets/b/status",
        f"{OWN}/namespaces/shop/tokenchecks/a/status\n",
        "/apis/events.k8s.io/v1/namespaces/shop/events/a/b",
        "/api/v1/namespaces/shop/events",
    ],
)
def test_the_operator_may_write_nothing_else(method: str, path: str) -> None:
    with pytest.raises(PermissionError, match="it was not sent"):
        require_allowed(OPERATOR_WRITES, method, path)


def test_the_operator_may_try_the_probe_only_as_a_dry_run() -> None:
    path = f"{OWN}/namespaces/shop/tokenchecks/{PROBE_NAME}"
    require_allowed(OPERATOR_WRITES, "PATCH", path, {"dryRun": "All"})
    other = f"{OWN}/namespaces/shop/tokenchecks/a"
    for method, where, params in (
        ("PATCH", path, None),
        ("PATCH", path, {"dryRun": "None"}),
        ("POST", path, {"dryRun": "All"}),
        ("PATCH", other, {"dryRun": "All"}),
    ):
        with pytest.raises(PermissionError):
            require_allowed(OPERATOR_WRITES, method, where, params)


def test_a_command_may_annotate_a_check_and_never_write_its_status() -> None:
    require_allowed(COMMAND_WRITES, "PATCH", f"{OWN}/namespaces/shop/tokenchecks/a")
    with pytest.raises(PermissionError):
        require_allowed(COMMAND_WRITES, "PATCH", f"{OWN}/namespaces/shop/tokenchecks/a/status")


# Paths


def test_paths_are_those_of_the_api() -> None:
    assert SECRETS.path() == "/api/v1/secrets"
    assert SECRETS.path("shop", "a") == "/api/v1/namespaces/shop/secrets/a"
    assert WORKLOADS["CronJob"].path("shop") == "/apis/batch/v1/namespaces/shop/cronjobs"
    assert TOKEN_PROVIDERS.path("", "p") == f"{OWN}/tokenproviders/p"


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_name_leaves_its_place_in_a_path(namespace: str, name: str) -> None:
    path = SECRETS.path(namespace, name)
    if path is not None:
        assert re.fullmatch(r"/api/v1(/namespaces/[a-z0-9.:-]+)?/secrets(/[a-z0-9.:-]+)?", path)
        assert ".." not in path
    assert (path is None) == any(part and not is_name(part) for part in (namespace, name))


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/api/v1/secrets", "secrets"),
        ("/api/v1/namespaces/shop", "namespaces"),
        ("/api/v1/namespaces/shop/pods/a", "pods"),
        (f"{OWN}/namespaces/shop/tokenchecks/a/status", "tokenchecks/status"),
        (f"{OWN}/tokenproviders/p/status", "tokenproviders/status"),
        ("/apis/argoproj.io/v1alpha1", ""),
        ("/version", ""),
    ],
)
def test_requests_are_counted_by_resource(path: str, resource: str) -> None:
    assert resource_of(path) == resource


# Decoding


def secret(**metadata: Any) -> bytes:
    meta = {
        "name": "s",
        "namespace": "shop",
        "uid": "u",
        "resourceVersion": "7",
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    value = base64.b64encode(CANARY.encode()).decode()
    return json.dumps({"metadata": meta | metadata, "data": {"token": value}}).encode()


def managed(time: str, *fields: str) -> dict[str, Any]:
    return {"manager": "m", "time": time, "fieldsV1": {field: {} for field in fields}}


@pytest.mark.parametrize(
    ("entries", "changed"),
    [
        ([], "2026-01-01"),
        ([managed("2026-01-02T00:00:00Z", "f:data")], "2026-01-02"),
        ([managed("2026-01-02T00:00:00Z", "f:metadata")], "2026-01-01"),
        (
            [
                managed("2026-01-03T00:00:00Z", "f:data", "f:type"),
                managed("2026-01-02T00:00:00Z", "f:data"),
                managed("2026-01-09T00:00:00Z", "f:metadata"),
            ],
            "2026-01-03",
        ),
        ([managed("yesterday", "f:data")], "2026-01-01"),
        ([{"manager": "m"}], "2026-01-01"),
    ],
)
def test_a_secret_changed_when_somebody_last_wrote_below_data(
    entries: list[dict[str, Any]], changed: str
) -> None:
    content = secret_of(secret(managedFields=entries))
    assert content is not None
    assert content.meta.changed_at == datetime.fromisoformat(f"{changed}T00:00:00+00:00")


def test_no_value_of_a_secret_is_text_anywhere_after_decoding() -> None:
    """Annotations of others may hold it (kubectl's last-applied does); only ours are read."""
    applied = {"kubectl.kubernetes.io/last-applied-configuration": CANARY}
    own = {"tokencheck.dev/owner": "pay"}
    content = secret_of(secret(annotations=applied | own))
    assert content is not None
    assert content.meta.annotations == own
    assert CANARY not in repr(content)
    assert len(content.values["token"]) == len(CANARY)


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_secret_or_nothing(body: bytes) -> None:
    assert secret_of(body) is None or isinstance(secret_of(body), SecretContent)
    assert decode(HEAD, body) is None or body


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = ("name", "namespace", "uid", "resourceVersion", "annotations", "managedFields", "data")


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON), st.dictionaries(st.sampled_from(FIELDS), JSON)
)
def test_a_secret_of_any_shape_never_raises(meta: dict[str, Any], top: dict[str, Any]) -> None:
    body = json.dumps(top | {"metadata": meta}).encode()
    content = secret_of(body)
    assert content is None or content.meta.name == meta["name"]


@given(st.dictionaries(st.text(max_size=10), st.binary(max_size=50)))
def test_values_come_out_of_their_base64_whole(values: dict[str, bytes]) -> None:
    data = {key: base64.b64encode(value).decode() for key, value in values.items()}
    body = json.loads(secret()) | {"data": data}
    content = secret_of(json.dumps(body).encode())
    assert content is not None
    assert {key: len(value) for key, value in content.values.items()} == {
        key: len(value) for key, value in values.items()
    }


def test_a_secret_without_data_has_no_values() -> None:
    body = json.loads(secret()) | {"data": None}
    content = secret_of(json.dumps(body).encode())
    assert content is not None
    assert content.values == {}


def test_the_time_of_change_of_a_secret_without_any_time_is_the_epoch() -> None:
    decoded = decode(SECRET, secret(creationTimestamp=None))
    assert decoded is None
    decoded = decode(SECRET, secret(creationTimestamp=""))
    assert decoded is not None
    assert secret_meta(decoded.metadata).changed_at == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("text", "version"), [("12", 12), ("", 0), ("x", 0), ("-1", 0), ("²", 0)])
def test_a_version_that_is_no_number_is_the_oldest(text: str, version: int) -> None:
    assert version_of(text) == version


# Events


def event(note: str, *, uid: str = "u", reason: str = "TokenExpired", about: str = "") -> Event:
    return Event(
        regarding=Key("TokenCheck", "shop", "checkout"),
        api_version="tokencheck.dev/v1alpha1",
        uid=uid,
        type=EventType.WARNING,
        reason=reason,
        note=note,
        about=about,
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("expired 3 h ago", "expired 4 h ago"),
        ("expired at 22:10Z", "expired at 23:11Z"),
        ("expired (2026-01-01T00:00:00Z)", "expired (2026-01-02T00:00:00Z)"),
    ],
)
def test_notes_that_differ_in_time_only_are_one_event(one: str, other: str) -> None:
    assert name_of(event(one)) == name_of(event(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (event("Secret payments-1: expired"), event("Secret payments-2: expired")),
        (event("a"), event("a", uid="v")),
        (event("a"), event("a", reason="TokenMissing")),
        (event("a", about="1"), event("a", about="2")),
    ],
)
def test_what_differs_otherwise_is_another_event(one: Event, other: Event) -> None:
    assert name_of(one) != name_of(other)


def test_one_transition_is_one_event_whatever_is_said_of_it() -> None:
    one, other = event("expired 3 h ago", about="1"), event("expired; rotate it", about="1")
    assert name_of(one) == name_of(other)


@given(st.text(), st.integers(min_value=8, max_value=64))
def test_a_cut_note_fits_and_is_text(note: str, size_bytes: int) -> None:
    short = cut(note, size_bytes)
    assert len(short.encode("utf-8", "replace")) <= size_bytes
    assert short == note or short.endswith("…")
