"""The chart as Helm renders it: the shapes of its rights, and what to ask of its objects."""

from __future__ import annotations

from controlplane.launch import NAMESPACE

SHAPES = {
    "cluster": {},
    "namespaces": {"secrets": {"scope": "namespaces", "namespaces": ["shop", "billing"]}},
    "named": {
        "secrets": {
            "scope": "named",
            "named": {"shop": ["payments-api", "payments-readonly"], "billing": ["oidc"]},
        },
        "workloads": {"extra": [{"apiGroup": "argoproj.io", "resources": ["rollouts"]}]},
    },
}


def one(manifests: list[dict], kind: str) -> dict:
    (found,) = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def rights_of(manifests: list[dict], account: str) -> list[str]:
    """Every right of the ServiceAccount as `where: verbs group/resources [names]`, sorted."""
    roles = {
        (m["kind"], m["metadata"].get("namespace", ""), m["metadata"]["name"]): m for m in manifests
    }
    rights = []
    for binding in manifests:
        if not binding["kind"].endswith("RoleBinding"):
            continue
        assert [subject["name"] for subject in binding["subjects"]] == [account]
        assert [subject["namespace"] for subject in binding["subjects"]] == [NAMESPACE]
        where = binding["metadata"].get("namespace", "")
        role = roles[binding["roleRef"]["kind"], where, binding["roleRef"]["name"]]
        for rule in role["rules"]:
            verbs = ",".join(sorted(rule["verbs"]))
            names = f" {sorted(rule['resourceNames'])}" if "resourceNames" in rule else ""
            rights += [
                f"{where or 'everywhere'}: {verbs} {group or 'core'}/{resource}{names}"
                for group in rule["apiGroups"]
                for resource in rule["resources"]
            ]
    return sorted(rights)
