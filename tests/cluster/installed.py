"""The operator as Helm installs its chart on a real node, and its Pods as the node sees them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from cluster.shop import Object, condition
from controlplane import ControlPlane, build
from controlplane.image import OPERATOR
from controlplane.launch import CHART, NAMESPACE, OURS, wait_enforced, wait_stamped
from controlplane.node import Node

LEASE_KIND = "coordination.k8s.io/v1/Lease"
WAIT_S = 120


class Installed:
    """One release of the chart with its defaults."""

    def __init__(self, plane: ControlPlane, node: Node) -> None:
        """Nothing is installed yet."""
        self.plane = plane
        self.node = node
        self.api = plane.api()

    def install(self, home: Path) -> None:
        """`helm install --wait` has ended well, in a namespace that takes restricted Pods alone."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        body = {"metadata": {"name": NAMESPACE, "labels": labels}}
        self.api.apply({"apiVersion": "v1", "kind": "Namespace"} | body)
        repository, _, tag = OPERATOR.rpartition(":")
        done = subprocess.run(
            [
                *(str(build(["helm"]) / "helm"), "install", "tokencheck", str(CHART)),
                *("-n", NAMESPACE, "--kubeconfig", str(self.plane.kubeconfig())),
                *("--set", f"image.repository={repository}", "--set", f"image.tag={tag}"),
                *("--wait", "--timeout", f"{WAIT_S}s"),
            ],
            env={"PATH": os.environ["PATH"], "HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stderr}\n{self.told()}"
        wait_enforced(self.plane)
        wait_stamped(self.plane)

    def pods(self) -> list[Object]:
        """Its Pods, those that end left out."""
        found = self.api.list("Pod", NAMESPACE, labelSelector=OURS)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def leader(self) -> Object:
        """The Pod that holds the Lease."""
        holder = self.api.get(LEASE_KIND, "tokencheck", NAMESPACE)["spec"]["holderIdentity"]
        (found,) = [pod for pod in self.pods() if holder.startswith(pod["metadata"]["name"])]
        return found

    def process(self, pod: Object) -> int:
        """The process id, on this machine, of a Pod's first container."""
        (status,) = pod["status"]["containerStatuses"]
        return self.node.processes(pod["metadata"]["uid"], status["containerID"])[0]

    def signal(self, pod: Object, sign: signal.Signals) -> None:
        """The operator of this Pod got the signal."""
        os.kill(self.process(pod), sign)

    def get(self, pod: Object, path: str) -> tuple[int, Object]:
        """Status code and JSON of a page of a Pod; code 0 without an answer."""
        code, body = self.node.get(pod["status"]["podIP"], 8080, path)
        return code, json.loads(body) if body.startswith("{") else {}

    def again(self, pod: Object) -> Object:
        """The Pod as it is now."""
        return self.api.get("Pod", pod["metadata"]["name"], NAMESPACE)

    def said_of(self, pod: Object) -> str:
        """What the kubelet told of a Pod, by Events."""
        chosen = f"involvedObject.name={pod['metadata']['name']}"
        found = self.api.list("v1/Event", NAMESPACE, fieldSelector=chosen)
        return "\n".join(f"{one['reason']}: {one['message']}" for one in found)

    def told(self) -> str:
        """What helps to understand an operator that does not come up."""
        logs = sorted(self.node.files("/var/log/pods").glob(f"{NAMESPACE}_*/*/*.log"))
        parts = [json.dumps(pod["status"], indent=1) + self.said_of(pod) for pod in self.pods()]
        parts += [f"{log}:\n{log.read_text(errors='replace')[-2000:]}" for log in logs]
        return "\n".join([*parts, self.node.logs()])


def is_ready(pod: Object) -> bool:
    """Whether the kubelet found the Pod ready."""
    return condition(pod, "Ready").get("status") == "True"


def restarts(pod: Object) -> int:
    """How often the kubelet started its container again."""
    return int(pod["status"]["containerStatuses"][0]["restartCount"])
