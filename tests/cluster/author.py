"""Somebody who writes ClusterTokenChecks, and loses his rights."""

from __future__ import annotations

import secrets

from cluster.shop import Shop, eventually
from controlplane import ControlPlane

_PATIENCE_S = 60.0


class Author:
    """Somebody who may write ClusterTokenChecks and get all Secrets, until he may not any more."""

    def __init__(self, plane: ControlPlane, shop: Shop) -> None:
        self.admin, self._role = shop.admin, f"author-{secrets.token_hex(4)}"
        self.name = f"system:serviceaccount:{shop.namespace}:author"
        head = {"apiVersion": "v1", "kind": "ServiceAccount"}
        place = {"name": "author", "namespace": shop.namespace}
        self.admin.apply(head | {"metadata": place})
        self._grant(secrets_too=True)
        group = "rbac.authorization.k8s.io"
        self.admin.apply(
            {
                "apiVersion": f"{group}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": self._role},
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": self._role},
                "subjects": [{"kind": "ServiceAccount", **place}],
            }
        )
        self.api = plane.api_for_token(plane.token_for_service_account(shop.namespace, "author"))
        eventually(lambda: self._may("get", "", "secrets"), timeout_s=_PATIENCE_S)

    def loses_secrets(self) -> None:
        self._grant(secrets_too=False)
        eventually(lambda: not self._may("get", "", "secrets"), timeout_s=_PATIENCE_S)

    def close(self) -> None:
        self.admin.delete("ClusterRoleBinding", self._role)
        self.admin.delete("ClusterRole", self._role)

    def _grant(self, *, secrets_too: bool) -> None:
        ours = {"apiGroups": ["tokencheck.dev"], "resources": ["clustertokenchecks"]}
        rules = [ours | {"verbs": ["get", "patch"]}]
        rules.append(ours | {"resources": ["tokenchecks"], "verbs": ["patch"]})
        if secrets_too:
            rules.append({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]})
        head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
        self.admin.apply(head | {"metadata": {"name": self._role}, "rules": rules})

    def _may(self, verb: str, group: str, resource: str) -> bool:
        review = self.admin.create(
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "metadata": {},
                "spec": {
                    "user": self.name,
                    "resourceAttributes": {"verb": verb, "group": group, "resource": resource},
                },
            }
        )
        return bool(review["status"]["allowed"])
