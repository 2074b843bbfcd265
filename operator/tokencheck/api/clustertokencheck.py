"""ClusterTokenCheck: one object that keeps a TokenCheck for each of many workloads."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from tokencheck.api.fields import Fields
from tokencheck.api.invalid import Invalid
from tokencheck.api.meta import meta_of, spec_of, status_of
from tokencheck.api.parse_tokencheck import parse_spec
from tokencheck.api.selector import Selector, parse_selector
from tokencheck.api.tokencheck import ANNOTATION_REQUESTER, ANNOTATION_REQUESTER_GROUPS, Spec

KIND = "ClusterTokenCheck"
LABEL_MADE_BY = "tokencheck.dev/cluster-check"  # its value is the name of the ClusterTokenCheck
LABEL_ENABLED = "tokencheck.dev/enabled"  # "false" on a workload opts out
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
STAMPS = (ANNOTATION_REQUESTER, ANNOTATION_REQUESTER_GROUPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterTokenCheck:
    """A ClusterTokenCheck as the API server holds it.

    Args:
        created: when it was made, as the API server wrote it: of two that select the same workload
            the older one counts.
        kinds, workloads: of the workloads that are selected.
        copy_labels: keys of labels of a workload that its TokenCheck has too.
        template: what its TokenChecks say beside whose they are, as JSON values.
        spec: what that means, with every default filled in, and of no workload.
        stamps: who asked for the spec, as the API server stamped it; empty without a stamp.
        invalid: what is wrong with the spec; nothing is made then.
    """

    name: str
    uid: str
    generation: int
    resource_version: str
    created: str
    namespaces: Selector
    workloads: Selector
    spec: Spec
    kinds: tuple[str, ...] = KINDS
    copy_labels: tuple[str, ...] = ()
    template: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    stamps: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    invalid: tuple[Invalid, ...] = ()
    status: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def age(self) -> tuple[str, str]:
        """Return what sorts the older one first."""
        return self.created, self.name


def parse_clustertokencheck(obj: Mapping[str, Any]) -> ClusterTokenCheck:
    """Return the ClusterTokenCheck that `obj` holds. Total: faults are listed in `invalid`."""
    meta, fields = meta_of(obj), spec_of(obj)
    template = fields.child("template").child("spec")
    annotations = meta.annotations
    return ClusterTokenCheck(
        name=meta.name,
        uid=meta.uid,
        generation=meta.generation,
        resource_version=meta.resource_version,
        created=meta.created,
        namespaces=_selector(fields, "namespaceSelector"),
        workloads=_selector(fields.child("workloads"), "selector"),
        kinds=_kinds(fields.child("workloads")),
        copy_labels=fields.texts("copyLabels"),
        spec=_spec(template),
        template=MappingProxyType(dict(template.values)),
        stamps=MappingProxyType({key: annotations[key] for key in STAMPS if key in annotations}),
        invalid=tuple(fields.faults),
        status=status_of(obj),
    )


def _selector(fields: Fields, name: str) -> Selector:
    """Return the selector; an empty one selects all, as Kubernetes has it."""
    selector = parse_selector(fields.child(name))
    return Selector(all=True) if selector == Selector() else selector


def _kinds(fields: Fields) -> tuple[str, ...]:
    kinds = fields.texts("kinds") or KINDS
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        fields.fault("kinds", f"must be of {', '.join(KINDS)}; {unknown[0][:63]} is not")
    return kinds


def _spec(template: Fields) -> Spec:
    """Return what the template says; whose tokens they are is filled in for each workload."""
    for name in ("workloadRef", "tokens", "release", "discover"):
        if template.values.get(name) is not None:
            template.fault(name, "cannot be in a template: the tokens of each workload are found")
    whole = Fields(template.path, {**template.values, "workloadRef": _ANY}, template.faults)
    return replace(parse_spec(whole), workload=None)


_ANY = MappingProxyType({"kind": "Deployment", "name": "any"})
