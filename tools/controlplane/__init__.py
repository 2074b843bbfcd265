"""A real Kubernetes control plane on this machine, without containers.

Etcd, kube-apiserver, kube-controller-manager, kube-scheduler and KWOK are built once from
Go modules into a cache (:mod:`controlplane.build`) and started as plain processes on free
ports (:class:`ControlPlane`). The demo, the tests and the benchmarks stand on it.

KWOK plays the kubelet: Pods become ready without running. :mod:`controlplane.node` is a real one.

Everything is synchronous. One thread may call one object at a time; the processes end when
the Python process that started them ends, however that happens (:mod:`controlplane.reaper`).
"""

from controlplane.api import Api, ApiError
from controlplane.build import BuildError, build
from controlplane.launch import OperatorProcess
from controlplane.plane import ControlPlane, Part

__all__ = ["Api", "ApiError", "BuildError", "ControlPlane", "OperatorProcess", "Part", "build"]
