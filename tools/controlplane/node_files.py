"""What containerd, its network and the kubelet of a node are told: nothing here starts anything."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from controlplane.base import SANDBOX
from controlplane.commands import FILES

PODS = "10.244.0.0/24"


def write(folder: Path, programs: Path) -> None:
    """What ``files/node.sh`` reads stands in the folder, but the kubelet's kubeconfig."""
    write_runtime(folder / "runtime", programs / "runc")
    (folder / "cni").mkdir()
    (folder / "cni" / "bridge.conflist").write_text(json.dumps(_network()))
    (folder / "containerd.toml").write_text(_containerd(folder, programs))
    (folder / "kubelet.json").write_text(json.dumps(_kubelet(folder)))
    # No DNS: nobody would answer.
    (folder / "resolv.conf").touch()


def write_runtime(file: Path, runc: Path, options: str = "") -> None:
    """The file is a program that calls runc, with these options of it, as ``runtime.py`` says."""
    call = f'"{sys.executable}" -S -E "{FILES / "runtime.py"}" "{runc}" {options}'
    file.write_text(f'#!/bin/sh\nexec {call} "$@"\n')
    file.chmod(0o755)


def _network() -> dict[str, Any]:
    """Pods have addresses on a bridge; nothing leads out of the node."""
    ipam = {
        "type": "host-local",
        "ranges": [[{"subnet": PODS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": False, "ipam": ipam}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]}


def _containerd(folder: Path, programs: Path) -> str:
    """https://github.com/containerd/containerd/blob/main/docs/cri/config.md, version 3."""
    return f"""\
version = 3
root = '{folder}/containerd'
state = '/run/containerd'
[plugins.'io.containerd.internal.v1.opt']
  path = '{folder}/opt'
[grpc]
  address = '{folder}/containerd.sock'
[plugins.'io.containerd.cri.v1.images']
  snapshotter = 'overlayfs'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '{SANDBOX}'
[plugins.'io.containerd.cri.v1.runtime']
  disable_apparmor = true
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.containerd]
  default_runtime_name = 'runc'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  BinaryName = '{folder}/runtime'
  SystemdCgroup = false
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['{programs}']
  conf_dir = '{folder}/cni'
  use_internal_loopback = true
"""


def _kubelet(folder: Path) -> dict[str, Any]:
    """https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/."""
    full = ("memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{folder}/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        # Nobody reaches its port but what runs on the node.
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "resolvConf": str(folder / "resolv.conf"),
        "volumePluginDir": str(folder / "plugins"),
        # A disk or a memory that is nearly full is the machine's, and no reason to evict a Pod.
        "evictionHard": dict.fromkeys((*full, "imagefs.inodesFree"), "0%"),
        "imageGCHighThresholdPercent": 100,
        # A changed Secret is in the Pod's file, and a container starts again, within seconds.
        "syncFrequency": "1s",
        "crashLoopBackOff": {"maxContainerRestartPeriod": "2s"},
        "nodeStatusUpdateFrequency": "5s",
    }
