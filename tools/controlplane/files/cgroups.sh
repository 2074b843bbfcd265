# To be read by the first process of new mount and cgroup namespaces: the cgroups of version 1 are at their place, and
# begin with our own.
mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
while IFS=: read -r _ names _; do
  [ -n "$names" ] || continue
  at=/sys/fs/cgroup/${names#name=}
  case $names in name=*) names=none,$names ;; esac
  mkdir "$at"
  mount -t cgroup -o "$names" cgroup "$at"
done </proc/self/cgroup
