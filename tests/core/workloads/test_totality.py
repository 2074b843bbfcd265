"""Whatever JSON an object holds, the parsers answer."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.workloads.parse import parse_workload
from tokencheck.core.workloads.pods import injected, parse_pod
from tokencheck.core.workloads.rollout import RULES, rollout_of
from tokencheck.core.workloads.sites import sites_of
from tokencheck.model.workload import RolloutState

# Names that the parsers look for, so that the search gets deep.
_WORDS = """
apiVersion kind metadata spec status name namespace uid generation labels annotations template
jobTemplate containers initContainers env envFrom valueFrom secretKeyRef secretRef key optional
volumes volumeMounts mountPath subPath subPathExpr secret secretName items path projected sources
serviceAccountToken audience expirationSeconds csi driver imagePullSecrets conditions type reason
replicas updatedReplicas readyReplicas availableReplicas observedGeneration updateStrategy
rollingUpdate partition paused suspend containerStatuses state running startedAt ownerReferences
controller deletionTimestamp phase
"""
_NAMES = st.sampled_from(_WORDS.split())
_LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | _NAMES
) | st.sampled_from(["True", "False", "OnDelete", "2026-01-01T00:00:00Z", "12"])
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=5),
    max_leaves=40,
)
_KINDS = st.sampled_from([*RULES, "Service"])
_OBJECTS = st.fixed_dictionaries(
    {"kind": _KINDS | _JSON},
    optional={
        name: st.dictionaries(_NAMES, _JSON, max_size=6) | _JSON
        for name in ("metadata", "spec", "status")
    },
)


@given(_OBJECTS, st.none() | st.just("r1"))
def test_every_object_is_a_workload_whose_rollout_has_a_state(
    obj: dict[str, Any], release: str | None
) -> None:
    workload = parse_workload(obj)
    rollout = rollout_of(workload, release)
    assert rollout.detail
    assert rollout.template_hash == parse_workload(obj).template_hash


@given(_OBJECTS)
def test_a_workload_that_counts_its_pods_is_settled_by_a_ready_pod_alone(
    obj: dict[str, Any],
) -> None:
    workload = parse_workload(obj)
    ends = {"Complete", "SuccessCriteriaMet", "Ready"} & set(workload.conditions)
    if rollout_of(workload, None).state is RolloutState.SETTLED and not ends:
        assert workload.replicas.ready


@given(_JSON, _JSON)
def test_every_spec_has_sites(spec: Any, annotations: Any) -> None:
    found = sites_of(spec, annotations)
    assert len(set(found)) == len(found)


@given(_OBJECTS)
def test_every_object_is_a_pod(obj: dict[str, Any]) -> None:
    pod = parse_pod(obj)
    assert all(pod.started_at <= started for _, started in pod.running if pod.started_at)
    assert set(injected(parse_workload({}), [pod])) <= set(pod.volumes)


def test_a_template_nested_without_end_is_still_a_template() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    workload = parse_workload({"kind": "Rollout", "spec": {"template": deep}})
    assert len(workload.template_hash) == 16


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_a_deployment_is_settled_only_when_all_its_numbers_agree(
    desired: int, updated: int, available: int, total: int
) -> None:
    status = {"observedGeneration": 1, "replicas": total, "readyReplicas": available}
    status |= {"updatedReplicas": updated, "availableReplicas": available}
    workload = parse_workload(
        {
            "kind": "Deployment",
            "metadata": {"generation": 1},
            "spec": {"replicas": desired},
            "status": status,
        }
    )
    settled = rollout_of(workload, None).state is RolloutState.SETTLED
    assert settled == (desired == updated == available == total > 0)
