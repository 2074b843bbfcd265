"""Network namespaces in the place of Pods and of the world, behind one router. Linux, root.

They and their links are seen by nobody else, and end with this process: nothing of the machine's
own network is touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from types import TracebackType
from typing import Self

_PARTS = ("unshare", "nsenter", "ip")
# The router, as every Pod sees it; Calico has the same.
_GATEWAYS = ("169.254.1.1", "fe80::1")
# The pipe is closed when this process is gone, and with its last process the namespace.
_HOLD = "ip link set lo up; echo; exec cat"


def unable(enforcer: Path) -> str | None:
    """Why no policy can be enforced on this machine; None when it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "it needs Linux and root, for network namespaces"
    if missing := [name for name in _PARTS if not shutil.which(name)]:
        return f"it needs {', '.join(missing)} (util-linux, iproute2)"
    asked = ["unshare", "--net", str(enforcer), "-try"]
    tried = subprocess.run(asked, capture_output=True, text=True, check=False)
    return (
        f"network namespaces, nft_compat, xt_NFQUEUE: {tried.stderr}" if tried.returncode else None
    )


class Space:
    """One network namespace. It ends with :meth:`close`."""

    def __init__(self) -> None:
        """It is there, with a loopback device alone."""
        self._process = subprocess.Popen(
            ["unshare", "--net", "sh", "-euc", _HOLD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == b"\n"
        # A process in it, by which it is found.
        self.pid = self._process.pid

    def close(self) -> None:
        """It is gone, with all links that lead to it."""
        self._process.communicate()

    def ip(self, *lines: str) -> None:
        """Each line was done by `ip` in there."""
        asked = ["nsenter", "--net", "--target", str(self.pid), "ip", "-batch", "-"]
        text = "".join(f"{line}\n" for line in lines)
        subprocess.run(asked, input=text, text=True, check=True, capture_output=True)

    def command(self, *command: str) -> list[str]:
        """The command line that runs a program in there."""
        return ["nsenter", "--net", "--target", str(self.pid), *command]


class Spaces:
    """A router and what is behind it, by name. Use it with ``with``."""

    def __init__(self) -> None:
        """Nothing is there yet."""
        self._all = ExitStack()
        self.router: Space
        self.addresses: dict[str, tuple[str, ...]] = {}
        self.spaces: dict[str, Space] = {}

    def __enter__(self) -> Self:
        self.router = self._made()
        # As who opens them sees them: those of the network namespace.
        switches = (
            "for one in 4/ip_forward 6/conf/all/forwarding; do echo 1 >/proc/sys/net/ipv$one; done"
        )
        subprocess.run(self.router.command("sh", "-euc", switches), check=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._all.close()

    def add(self, name: str, *addresses: str) -> None:
        """A namespace of this name has the addresses, and all ways lead to the router."""
        made = self._made()
        link = f"space{len(self.spaces)}"
        self.spaces[name], self.addresses[name] = made, addresses
        ipv4, ipv6 = _GATEWAYS
        self.router.ip(
            f"link add {link} type veth peer name eth0 netns {made.pid}",
            f"address add {ipv4}/32 dev {link}",
            f"address add {ipv6}/64 dev {link} nodad",
            f"link set {link} up",
        )
        made.ip(
            *(f"address add {_alone(one)} dev eth0" for one in addresses),
            "link set eth0 up",
            f"route add {ipv4} dev eth0",
            f"route add 0.0.0.0/0 via {ipv4} dev eth0",
            f"route add ::/0 via {ipv6} dev eth0",
        )
        self.router.ip(*(f"route add {one} dev {link}" for one in addresses))

    def of(self, address: str) -> Space:
        """The namespace that has this address."""
        (found,) = [name for name, its in self.addresses.items() if address in its]
        return self.spaces[found]

    def _made(self) -> Space:
        made = Space()
        self._all.callback(made.close)
        return made


def _alone(address: str) -> str:
    """As a network of its own; an IPv6 address is in use at once."""
    if isinstance(ip_address(address), IPv6Address):
        return f"{address}/128 nodad"
    return f"{address}/32"
