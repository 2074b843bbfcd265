"""The TokenCheck that a ClusterTokenCheck wants for one workload."""

import hashlib
from collections.abc import Mapping
from typing import Any

from tokencheck.api import API_VERSION
from tokencheck.api.clustertokencheck import KIND, LABEL_MADE_BY, ClusterTokenCheck
from tokencheck.api.parse_tokencheck import API_VERSIONS
from tokencheck.api.tokencheck import WorkloadRef
from tokencheck.model.estate import Labels, Make, Place, Renew, Standing, Whose

MAX_NAME = 63  # of a TokenCheck: a label has to hold it
MANAGED_BY = ("app.kubernetes.io/managed-by", "tokencheck")


def place_of(whose: Whose) -> Place:
    """Return where the TokenCheck of a workload stands: the same for the same workload, always."""
    name = f"{whose.kind.lower()}-{whose.name}"
    if len(name) > MAX_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = f"{name[: MAX_NAME - 9].rstrip('-.')}-{digest}"
    return Place(whose.namespace, name)


def labels_of(cluster_check: ClusterTokenCheck, workload: Labels) -> dict[str, str]:
    """Return the labels of its TokenCheck: who made it, and those that are copied."""
    copied = {key: workload[key] for key in cluster_check.copy_labels if key in workload}
    return {**copied, LABEL_MADE_BY: cluster_check.name, MANAGED_BY[0]: MANAGED_BY[1]}


def made(cluster_check: ClusterTokenCheck, whose: Whose, workload: Labels) -> Make:
    """Return the TokenCheck to be made.

    Its owner is the ClusterTokenCheck, so that it ends with it: Kubernetes' garbage collector sees
    to that. It does not block the owner's end.
    """
    place = place_of(whose)
    owner = {"apiVersion": API_VERSION, "kind": KIND, "name": cluster_check.name}
    manifest = {
        "apiVersion": API_VERSION,
        "kind": "TokenCheck",
        "metadata": {
            "name": place.name,
            "namespace": place.namespace,
            "labels": labels_of(cluster_check, workload),
            "annotations": dict(cluster_check.stamps),
            "ownerReferences": [owner | {"uid": cluster_check.uid, "controller": True}],
        },
        "spec": spec_of(cluster_check, whose),
    }
    return Make(place=place, manifest=manifest)


def renewed(
    cluster_check: ClusterTokenCheck, whose: Whose, workload: Labels, standing: Standing
) -> Renew | None:
    """Return how the TokenCheck has to change, or None when it is as it should be.

    Its spec is compared as a whole, with every default filled in: what somebody added by hand goes.
    Labels that are neither ours nor copied are nobody's business here.
    """
    labels = _labels(cluster_check, workload, standing)
    stamps = _change(standing.stamps, cluster_check.stamps)
    said = (standing.ref, standing.spec) == (ref_of(whose), cluster_check.spec)
    if said and not labels and not stamps:
        return None
    return Renew(
        place=place_of(whose),
        standing=standing,
        spec=spec_of(cluster_check, whose),
        labels=labels,
        stamps=stamps,
    )


def _labels(
    cluster_check: ClusterTokenCheck, workload: Labels, standing: Standing
) -> dict[str, str | None]:
    wanted = labels_of(cluster_check, workload)
    ours = {key: standing.labels.get(key, "") for key in (*cluster_check.copy_labels, *wanted)}
    return _change({key: value for key, value in ours.items() if key in standing.labels}, wanted)


def _change(old: Labels, new: Labels) -> dict[str, str | None]:
    """Return what turns `old` into `new`, None for what goes."""
    if old == new:
        return {}
    gone: dict[str, str | None] = {key: None for key in old if key not in new}
    return gone | {key: value for key, value in new.items() if old.get(key) != value}


def spec_of(cluster_check: ClusterTokenCheck, whose: Whose) -> Mapping[str, Any]:
    """Return the spec of the TokenCheck, as it is written."""
    ref = ref_of(whose)
    written = {"apiVersion": ref.api_version, "kind": ref.kind, "name": ref.name}
    return {**cluster_check.template, "workloadRef": written}


def ref_of(whose: Whose) -> WorkloadRef:
    """Return how the TokenCheck names its workload."""
    return WorkloadRef(api_version=API_VERSIONS[whose.kind], kind=whose.kind, name=whose.name)
