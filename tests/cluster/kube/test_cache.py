"""The cache answers as the API server would, and says what changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

import pytest

from controlplane import ControlPlane
from kube_world import CHECK, QUICK, MakeCache, Told, World, key, pages_listed
from tokencheck.api.tokencheck import NAMESPACE_OWNER, WorkloadRef
from tokencheck.clients.kube.cache import Cache, Parsers, Scope
from tokencheck.clients.kube.transport import Transport
from tokencheck.clients.kube.watching import NORMAL
from tokencheck.core.workloads.parse import parse_workload
from tokencheck.core.workloads.pods import parse_pod
from tokencheck.model.change import Cause
from tokencheck.model.evidence import Absent, Denied, Failed, SecretContent
from tokencheck.model.keys import Key
from tokencheck.model.reveal import reveal

DEPLOYMENT = WorkloadRef(api_version="apps/v1", kind="Deployment", name="web")


# Secrets


async def test_a_secret_is_read_with_its_values_sealed(world: World, make: MakeCache) -> None:
    annotations = {"tokencheck.dev/owner": "pay", "other": "x"}
    world.put_secret("s", "canary", annotations=annotations)
    content = await make().secret(world.namespace, "s")
    assert isinstance(content, SecretContent)
    assert reveal(content.values["token"]) == b"canary"
    assert "canary" not in repr(content)
    assert content.meta.annotations == {"tokencheck.dev/owner": "pay"}
    assert content.meta.type == "Opaque"
    assert not content.meta.witnessed


async def test_the_time_of_change_is_that_of_the_newest_write_of_data(
    world: World, make: MakeCache
) -> None:
    """Another manager's annotation does not move it."""
    world.put_secret("s", "1")
    await asyncio.sleep(1.1)
    world.put_secret("s", "2")
    await asyncio.sleep(1.1)
    note = {"metadata": {"annotations": {"a": "b"}}}
    path = world.api.path("Secret", world.namespace, "s")
    world.api.request(
        "PATCH",
        path,
        note,
        content_type="application/merge-patch+json",
        query={"fieldManager": "x"},
    )
    content = await make().secret(world.namespace, "s")
    assert isinstance(content, SecretContent)
    age_s = content.meta.changed_at.timestamp() - content.meta.created_at.timestamp()
    assert 1 <= age_s <= 2


async def test_no_read_is_older_than_the_one_before(
    world: World, make: MakeCache, told: Told
) -> None:
    """Behind a load balancer another server answers the second one, whose cache may be behind."""
    world.put_secret("s", "1")
    world.put_secret("other")
    cache = make(pace=NORMAL)
    cache.follow(CHECK, frozenset({key(world, "Secret", name) for name in ("s", "other")}))
    await world.until(lambda: cache.synced)
    world.proxy.drop_events(lambda event: event["object"]["metadata"]["name"] == "s")
    new = int(world.put_secret("s", "2")["metadata"]["resourceVersion"])
    world.proxy.hold(lambda seen: seen.path.endswith("/secrets/s"))
    reading = asyncio.create_task(cache.secret(world.namespace, "s"))
    await world.until(lambda: world.proxy.held)
    world.delete_secret("other")  # it might have been this one: what was read is not kept
    await world.until(lambda: any(change.gone for change in told))
    world.proxy.release()
    for content in (await reading, await cache.secret(world.namespace, "s")):
        assert isinstance(content, SecretContent)
        assert reveal(content.values["token"]) == b"2"
    asked = [seen for seen in world.proxy.seen if seen.path.endswith("/secrets/s")]
    assert int(asked[0].query["resourceVersion"]) < new
    assert int(asked[-1].query["resourceVersion"]) >= new


@pytest.mark.parametrize("name", ["none", "../secrets", "a/b", "..", "", "A B"])
async def test_a_secret_that_does_not_or_cannot_exist_is_absent(
    world: World, make: MakeCache, name: str
) -> None:
    found = await make().secret(world.namespace, name)
    assert found == Absent(what=f"Secret {world.namespace}/{name}") or not name


async def test_what_may_not_be_read_is_denied_and_never_absent(
    world: World, make: MakeCache
) -> None:
    cache = make()
    world.put_secret("s")
    world.proxy.refuse(403)
    ns = world.namespace
    assert await cache.secret(ns, "s") == Denied(what=f"Secret {ns}/s")
    assert await cache.workload(ns, DEPLOYMENT) == Denied(what=f"Deployment {ns}/web")
    assert await cache.config_map_value(ns, "c", "k") == Denied(what=f"ConfigMap {ns}/c")
    assert await cache.namespace_labels(ns) == Denied(what=f"Namespace {ns}")


async def test_a_read_without_answer_is_failed_and_never_absent(
    world: World, make: MakeCache
) -> None:
    cache = make()
    world.proxy.refuse(500)
    assert await cache.secret(world.namespace, "s") == Failed(what=f"Secret {world.namespace}/s")


async def test_changes_of_followed_secrets_are_told_and_of_no_others(
    world: World, make: MakeCache, told: Told
) -> None:
    cache = make()
    cache.follow(CHECK, frozenset({key(world, "Secret", "mine")}))
    await world.until(lambda: cache.synced)
    world.put_secret("other")
    world.put_secret("mine")
    await world.until(lambda: told)
    world.delete_secret("mine")
    await world.until(lambda: len(told) == 2)
    assert {c.key for c in told} == {key(world, "Secret", "mine")}
    assert [c.gone for c in told] == [False, True]
    assert all(c.cause is Cause.SECRET_CHANGED for c in told)
    assert all(time.monotonic() - c.seen_at < 10 for c in told)


async def test_nothing_is_watched_before_somebody_asks_and_after_nobody_does(
    world: World, make: MakeCache
) -> None:
    cache = make()
    assert cache.watches() == ()
    cache.follow(CHECK, frozenset({key(world, "Secret", "s"), key(world, "Deployment", "web")}))
    await world.until(lambda: world.proxy.open_streams == 2)
    assert {w.resource for w in cache.watches()} == {"secrets", "deployments"}
    cache.follow(CHECK, frozenset({key(world, "Secret", "s")}))
    await world.until(lambda: world.proxy.open_streams == 1)
    cache.unfollow(CHECK)
    await world.until(lambda: world.proxy.open_streams == 0)
    assert cache.watches() == ()


@pytest.mark.parametrize(
    ("scope", "path", "selector"),
    [
        (Scope.CLUSTER, "/api/v1/secrets", None),
        (Scope.NAMESPACES, "/api/v1/namespaces/{}/secrets", None),
        (Scope.NAMED, "/api/v1/namespaces/{}/secrets", "metadata.name=s"),
    ],
)
async def test_secrets_are_watched_as_far_as_the_scope_reaches(
    world: World, make: MakeCache, scope: Scope, path: str, selector: str | None
) -> None:
    cache = make(scope)
    cache.follow(CHECK, frozenset({key(world, "Secret", "s")}))
    await world.until(lambda: world.proxy.open_streams == 1)
    assert {(s.path, s.query.get("fieldSelector")) for s in world.proxy.seen} == {
        (path.format(world.namespace), selector)
    }


async def test_rights_that_come_back_make_every_followed_secret_due(
    world: World, make: MakeCache, told: Told
) -> None:
    world.put_secret("s")
    cache = make()
    cache.follow(CHECK, frozenset({key(world, "Secret", "s")}))
    await world.until(lambda: world.proxy.open_streams == 1)
    world.proxy.refuse(403)
    world.proxy.cut()
    await world.until(lambda: cache.watches()[0].denied)
    told.clear()
    world.proxy.allow()
    await world.until(lambda: told)
    assert told[0].key == key(world, "Secret", "s")


async def test_the_named_scope_needs_rights_on_named_secrets_only(
    world: World, bare_controlplane: ControlPlane, told: Told
) -> None:
    """RBAC honours resourceNames for list and watch when the field selector names the object."""
    ns = world.namespace
    rbac = "rbac.authorization.k8s.io"
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"]}
    for kind, more in (
        ("Role", {"rules": [rule | {"resourceNames": ["mine"]}]}),
        (
            "RoleBinding",
            {
                "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "named"},
                "subjects": [{"apiGroup": rbac, "kind": "User", "name": "alice"}],
            },
        ),
    ):
        metadata = {"name": "named", "namespace": ns}
        world.api.create({"apiVersion": f"{rbac}/v1", "kind": kind, "metadata": metadata} | more)
    world.put_secret("mine")
    world.put_secret("other")
    transport = await Transport.connect(kubeconfig=bare_controlplane.kubeconfig("alice"))
    cache = Cache(
        transport,
        parsers=Parsers(workload=parse_workload, pod=parse_pod),
        on_change=told.append,
        scope=Scope.NAMED,
        single=QUICK,
    )
    cache.follow(CHECK, frozenset({key(world, "Secret", "mine")}))
    await world.until(lambda: cache.synced and cache.watches()[0].synced)
    assert isinstance(await cache.secret(ns, "mine"), SecretContent)
    assert await cache.secret(ns, "other") == Denied(what=f"Secret {ns}/other")
    told.clear()
    world.put_secret("mine", "2")
    await world.until(lambda: told)
    await cache.close()
    await transport.close()
    await asyncio.sleep(0.05)  # TLS connections end a little later than they are closed


# ConfigMaps and Namespaces


async def test_a_config_map_is_watched_by_name(world: World, make: MakeCache, told: Told) -> None:
    def put(value: str) -> None:
        metadata = {"name": "issuer", "namespace": world.namespace}
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        world.api.apply(manifest | {"data": {"jwks.json": value}})

    put("1")
    cache = make()
    cache.follow(CHECK, frozenset({key(world, "ConfigMap", "issuer")}))
    read = cache.config_map_value
    assert await read(world.namespace, "issuer", "jwks.json") == "1"
    missing = Absent(what=f"ConfigMap {world.namespace}/issuer", key_only=True)
    assert await read(world.namespace, "issuer", "none") == missing
    await world.until(lambda: world.proxy.open_streams == 1)
    told.clear()
    put("2")
    await world.until(lambda: told)
    assert told.of("ConfigMap") == [Cause.REFERENCE_CHANGED]
    assert await read(world.namespace, "issuer", "jwks.json") == "2"
    assert {s.query.get("fieldSelector") for s in world.proxy.seen} == {"metadata.name=issuer"}


async def test_labels_and_owner_of_a_namespace_are_read_and_followed(
    world: World, make: MakeCache, told: Told
) -> None:
    cache = make()
    cache.follow(CHECK, frozenset({Key("Namespace", "", world.namespace)}))
    await world.until(lambda: world.proxy.open_streams == 1)
    told.clear()
    patch = {"metadata": {"labels": {"a": "b"}, "annotations": {"tokencheck.dev/owner": "pay"}}}
    world.api.patch("Namespace", world.namespace, patch)
    await world.until(lambda: told)
    labels = await cache.namespace_labels(world.namespace)
    assert not isinstance(labels, Absent | Denied | Failed)
    assert labels["a"] == "b"
    assert labels[NAMESPACE_OWNER] == "pay"


async def test_of_many_who_begin_to_follow_a_namespace_the_first_reads_it_for_all(
    world: World, make: MakeCache, told: Told
) -> None:
    """It stood before anyone wanted it, so no stream tells it: else each would ask again."""
    cache = make(pace=replace(QUICK, compare_s=1.0))
    cache.follow(CHECK, frozenset({Key("Namespace", "", "default")}))
    await world.until(lambda: cache.synced and world.proxy.open_streams == 1)
    told.clear()
    followers = [Key("TokenCheck", world.namespace, f"check-{n}") for n in range(20)]
    place = Key("Namespace", "", world.namespace)
    for follower in followers:
        cache.follow(follower, frozenset({place}))
    before = len(world.proxy.seen)
    for _ in followers:
        assert isinstance(await cache.namespace_labels(world.namespace), Mapping)
    path = f"/api/v1/namespaces/{world.namespace}"
    assert [seen.path for seen in world.proxy.seen[before:]].count(path) == 1
    # Told once, and not again by the compare of each second, which finds what is known.
    listed = pages_listed(world)
    await world.until(lambda: pages_listed(world) >= listed + 2)
    assert told.of("Namespace") == [Cause.REFERENCE_CHANGED]


async def test_who_follows_what_another_read_anew_is_told_of_it(
    world: World, make: MakeCache, told: Told
) -> None:
    """The stream is held up: the direct read of one is all that the others can learn it from."""
    world.put_secret("shared", "one")
    cache = make()
    shared = frozenset({key(world, "Secret", "shared")})
    for name in ("first", "second"):
        cache.follow(Key("TokenCheck", world.namespace, name), shared)
        await cache.secret(world.namespace, "shared")
    await world.until(lambda: world.proxy.open_streams == 1)
    world.proxy.freeze()
    told.clear()
    world.put_secret("shared", "two")
    await cache.secret(world.namespace, "shared")
    assert told.of("Secret") == [Cause.SECRET_CHANGED]
