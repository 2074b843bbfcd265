#!/bin/sh
# The first process of a builder (builder.py): in mount, process and cgroup namespaces of its own, on the machine's network.
# Argument: the folder of the builder.
set -eu
files=$(dirname "$0")
cd "$1"
mount --make-rprivate /
. "$files/cgroups.sh"
exec buildkitd --config buildkitd.toml
