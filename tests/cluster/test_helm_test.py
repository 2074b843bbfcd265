"""`helm test`: a Pod without rights asks the Service whether the operator is ready."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cluster.reader import Reader
from controlplane import Api, ApiError, ControlPlane, OperatorProcess
from controlplane.launch import CHART, NAMESPACE, render_chart
from controlplane.process import free_ports

Object = dict[str, Any]
POD = "tokencheck-test"


def pod(**values: Any) -> Object:
    (found,) = [one for one in render_chart(values, tests=True) if one["kind"] == "Pod"]
    return found


def asks(address: str) -> subprocess.CompletedProcess[str]:
    """What the Pod's command says, with this address instead of that of the Service."""
    (container,) = pod()["spec"]["containers"]
    program, *arguments, url = container["command"]
    assert program == "python"
    assert url == f"http://tokencheck-metrics.{NAMESPACE}.svc:8080/readyz"
    return subprocess.run(
        [sys.executable, *arguments, f"http://{address}/readyz"],
        capture_output=True,
        text=True,
        check=False,
        env={},
    )


@contextmanager
def unready() -> Iterator[str]:
    """The address of a replica that says why it is not ready."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.end_headers()
            self.wfile.write(b'{"reasons": ["the first list of pods is not complete"]}')

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_it_passes_when_a_replica_is_ready(operator: OperatorProcess) -> None:
    done = asks(f"127.0.0.1:{operator.port}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "reasons" in json.loads(done.stdout)


def test_it_fails_with_the_reasons_of_a_replica_that_is_not_ready() -> None:
    with unready() as address:
        done = asks(address)
    assert done.returncode == 1
    assert "the first list of pods is not complete" in done.stdout


def test_it_fails_with_what_to_look_at_when_nobody_answers() -> None:
    done = asks(f"127.0.0.1:{free_ports(1)[0]}")
    assert done.returncode == 1
    assert "no replica is ready, or a NetworkPolicy refuses this Pod" in done.stderr
    assert "Traceback" not in done.stderr


def test_its_pod_is_none_of_the_deployment_s_and_may_reach_them() -> None:
    chosen = {"enabled": True, "ingress": {"from": [{"podSelector": {"matchLabels": {"a": "b"}}}]}}
    manifests = render_chart({"networkPolicy": chosen})
    labels = pod()["metadata"]["labels"]
    (deployment,) = [one["spec"] for one in manifests if one["kind"] == "Deployment"]
    assert not deployment["selector"]["matchLabels"].items() <= labels.items()
    (policy,) = [one["spec"] for one in manifests if one["kind"] == "NetworkPolicy"]
    (rule,) = policy["ingress"]
    assert {"podSelector": {"matchLabels": labels}} in rule["from"]


def test_a_restricted_namespace_takes_its_pod(admin: Api, namespace: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    admin.patch("Namespace", namespace, {"metadata": {"labels": labels}})
    found = pod() | {"metadata": {"name": POD}}
    admin.request("POST", admin.path("Pod", namespace), found, query={"dryRun": "All"})
    del found["spec"]["containers"][0]["securityContext"]["capabilities"]
    with pytest.raises(ApiError, match="capabilities"):
        admin.request("POST", admin.path("Pod", namespace), found, query={"dryRun": "All"})


@pytest.mark.parametrize(("phase", "code"), [("Succeeded", 0), ("Failed", 1)])
def test_helm_runs_it_when_asked_and_not_before(tmp_path: Path, phase: str, code: int) -> None:
    with ControlPlane(parts=()) as plane:
        reader = Reader(plane, tmp_path)
        installed = f"helm install tokencheck {CHART} -n {NAMESPACE} --create-namespace"
        done = reader.types(installed)
        assert done.returncode == 0, done
        assert reader.api.list("Pod", NAMESPACE) == []
        account = {"name": "default", "namespace": NAMESPACE}  # nobody else makes it here
        reader.api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})

        def kubelet() -> None:
            reader.api.wait("Pod", POD, NAMESPACE, until=bool, timeout_s=60)
            ended = {"status": {"phase": phase}}
            reader.api.patch("Pod", POD, ended, NAMESPACE, subresource="status")

        node = threading.Thread(target=kubelet)
        node.start()
        done = reader.types(f"helm test tokencheck -n {NAMESPACE} --timeout 60s")
        node.join()
        assert done.returncode == code, done
        # One that passed leaves nothing behind; one that failed has its log.
        assert bool(reader.api.find("Pod", POD, NAMESPACE)) == bool(code)
