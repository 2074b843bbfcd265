#!/bin/sh
# The first process of a node (node.py): in mount, process, network and cgroup namespaces of its own.
# Whatever it mounts, sets and starts ends with it; nothing of the machine is changed.
# Arguments: the folder of the node, the name of the node, its address, that of the API server.
set -eu
files=$(dirname "$0")
cd "$1"

mount --make-rshared /
mount -t sysfs sysfs /sys
. "$files/cgroups.sh"

mount -t tmpfs -o mode=755 run /run
mkdir /run/lock
for folder in /var/lib /var/log; do
  mkdir -p "/run/over$folder/upper" "/run/over$folder/work"
  mount -t overlay over -o "lowerdir=$folder,upperdir=/run/over$folder/upper,workdir=/run/over$folder/work" "$folder"
done
# The kubelet would set these for the whole machine; it finds that they are set.
for pair in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  shown=/run/sysctl-$(echo "${pair%=*}" | tr / -)
  echo "${pair#*=}" >"$shown"
  mount --bind "$shown" "/proc/sys/${pair%=*}"
done

ip link set lo up
ip address add "$3/32" dev lo
ip address add "$4/32" dev lo
echo 1 >/proc/sys/net/ipv4/ip_forward

containerd --config containerd.toml >containerd.log 2>&1 &
# Somebody listens at the address of the API server, and the images are there.
until [ -e go ]; do sleep 0.05; done
kubelet --config kubelet.json --kubeconfig kubelet.kubeconfig --hostname-override "$2" --node-ip "$3" \
  --cert-dir pki >kubelet.log 2>&1 &
wait
