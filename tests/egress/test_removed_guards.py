"""Every guard is needed: with any one of them taken out, tests fail.

The guard is taken out of a copy of the package, and the vectors (or the tests of pieces) that it
stands for run against that copy. A copy with nothing taken out passes them. Guards behind which
another one stands are in `test_walls_behind_walls`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from island.enter import run_vectors

EGRESS = "clients/egress"
pytestmark = pytest.mark.usefixtures("island")


@dataclass(frozen=True)
class Guard:
    """What is replaced by what, and who must see it: families of vectors, or tests by name.

    Args:
        without: "" takes the text out.
    """

    name: str
    file: str
    text: str
    without: str
    seen_by: str


GUARDS = [
    Guard(
        "only listed places",
        f"{EGRESS}/client.py",
        "if url.place not in destination.places:",
        "if False:",
        "listing",
    ),
    Guard(
        "no other scheme than https",
        "api/urls.py",
        'if parts is None or parts["scheme"].lower() != "https":',
        "if parts is None:",
        "reading",
    ),
    Guard(
        "no fragment",
        "api/urls.py",
        'if parts["fragment"] is not None:',
        "if False:",
        "reading",
    ),
    Guard(
        "no dot segments",
        "api/urls.py",
        ' or {".", ".."} & set(path.split("/"))',
        "",
        "reading",
    ),
    Guard("plain paths", "api/urls.py", "not _PATH.fullmatch(path) or ", "", "reading"),
    Guard(
        "plain queries", "api/urls.py", "if not _QUERY.fullmatch(query):", "if False:", "reading"
    ),
    Guard(
        "one spelling of IPv4 addresses",
        "api/urls.py",
        'if _NUMBER.fullmatch(host.rsplit(".", 1)[-1]):',
        "if False:",
        "reading",
    ),
    Guard(
        "names as in DNS",
        "api/urls.py",
        "if len(host) > 253 or not _NAME.fullmatch(host):",
        "if False:",
        "reading",
    ),
    Guard(
        "every address is judged",
        f"{EGRESS}/dial.py",
        "if isinstance(address, str):",
        "if isinstance(address, str) and (address := ip_address(one)) is None:",
        "record",
    ),
    Guard(
        "also those that are not dialled",
        f"{EGRESS}/dial.py",
        "for one in found:",
        "for one in found[:MAX_DIALLED]:",
        "record",
    ),
    Guard(
        "the checked address is dialled, not the name",
        f"{EGRESS}/dial.py",
        "connect_tcp(str(address), port",
        "connect_tcp(self._host, port",
        "rebinding",
    ),
    Guard(
        "the peer is who was dialled",
        f"{EGRESS}/dial.py",
        "if not peer or ip_address(peer[0]) != address:",
        "if not peer:",
        "tests",
    ),
    Guard(
        "IPv4-mapped addresses are unwrapped",
        f"{EGRESS}/addresses.py",
        "address = address.ipv4_mapped or address",
        "return address.ipv4_mapped or address",
        "record",
    ),
    Guard(
        "NAT64 addresses are unwrapped",
        f"{EGRESS}/addresses.py",
        "if refused is None and isinstance(address, IPv6Address) and address in _NAT64:",
        "if False:",
        "record",
    ),
    Guard(
        "what is not public IPv6 is refused",
        f"{EGRESS}/addresses.py",
        'return None if address in _PUBLIC_IPV6 else "reserved"',
        "return None",
        "record",
    ),
    Guard(
        "private networks only when listed",
        f"{EGRESS}/addresses.py",
        "return None if any(address in one for one in listed) else kind",
        "return None",
        "record",
    ),
    Guard(
        "some addresses never, listed or not",
        f"{EGRESS}/addresses.py",
        "for kind, network in NEVER:",
        "for kind, network in NEVER if not listed else ():",
        "never",
    ),
    *[
        Guard(f"no {kind} addresses", f"{EGRESS}/addresses.py", network, "240.0.0.0/32", seen_by)
        for kind, network, seen_by in (
            ("link-local", "169.254.0.0/16", "record"),
            ("Azure metadata", "168.63.129.16/32", "record"),
            ("Alibaba metadata", "100.100.100.200/32", "never"),
            ("AWS metadata (IPv6)", "fd00:ec2::254/128", "never"),
            ("Google metadata (IPv6)", "fd20:ce::254/128", "never"),
            ("unspecified", "0.0.0.0/8", "record"),
            ("multicast", "224.0.0.0/4", "record"),
            ("6to4", "2002::/16", "record"),
            ("Teredo and other protocol", "2001::/23", "record"),
            ("reserved", "240.0.0.0/4", "record"),
            ("documentation", "203.0.113.0/24", "record"),
            ("private", "10.0.0.0/8", "record"),
            ("carrier-grade NAT", "100.64.0.0/10", "record"),
            ("loopback", "127.0.0.0/8", "record"),
            ("private (172)", "172.16.0.0/12", "record"),
            ("private (192)", "192.168.0.0/16", "record"),
            ("benchmark", "198.18.0.0/15", "record"),
            ("IETF protocol", "192.0.0.0/24", "record"),
            ("documentation (1)", "192.0.2.0/24", "record"),
            ("documentation (2)", "198.51.100.0/24", "record"),
            ("6to4 relay", "192.88.99.0/24", "record"),
            ("documentation (IPv6)", "2001:db8::/32", "record"),
            ("documentation (IPv6, 2)", "3fff::/20", "record"),
            # Without these two they are refused too, and nobody can list them.
            ("unlisted private IPv6", "fc00::/7", "control"),
            ("unlisted loopback IPv6", "::1/128", "control"),
        )
    ],
    Guard(
        "no scoped addresses",
        f"{EGRESS}/addresses.py",
        "if address.scope_id is not None:",
        "if False:",
        "tests",
    ),
    Guard(
        "few look-ups at a time",
        f"{EGRESS}/names.py",
        "if len(self._running) >= MAX_LOOKUPS:",
        "if False:",
        "tests",
    ),
    Guard("short addresses", "api/urls.py", "if len(text) > MAX_URL:", "if False:", "reading"),
    Guard(
        "few requests at a time to a host",
        f"{EGRESS}/client.py",
        "asyncio.Semaphore(PER_HOST)",
        "asyncio.Semaphore(99)",
        "tests",
    ),
    Guard(
        "no redirects",
        f"{EGRESS}/answer.py",
        "if 300 <= response.status < 400:",
        "if False:",
        "redirect",
    ),
    Guard(
        "no compressed answers",
        f"{EGRESS}/answer.py",
        'if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":',
        "if False:",
        "answer",
    ),
    Guard(
        "a cap on the body",
        f"{EGRESS}/answer.py",
        "if len(body) > max_bytes:",
        "if False:",
        "answer",
    ),
    Guard(
        "a cap on all that comes",
        f"{EGRESS}/stream.py",
        "if self._limits.receive < 0:",
        "if False:",
        "answer",
    ),
    Guard(
        "a deadline for everything",
        f"{EGRESS}/client.py",
        "asyncio.timeout(question.deadline_s)",
        "asyncio.timeout(6)",
        "slow",
    ),
    Guard(
        "a pace for each host",
        f"{EGRESS}/client.py",
        "await asyncio.sleep(wait_s)",
        "await asyncio.sleep(0)",
        "tests",
    ),
    Guard(
        "what is sent is what was meant",
        f"{EGRESS}/stream.py",
        "if self._limits.send[self._sent : end] != buffer:",
        "if False:",
        "tests",
    ),
    Guard(
        "nor is anything else sent after its beginning",
        f"{EGRESS}/stream.py",
        "if self._limits.send[self._sent : end] != buffer:",
        "if not self._sent and self._limits.send[:end] != buffer:",
        "tests",
    ),
    Guard("nothing in clear", f"{EGRESS}/stream.py", "if not self._tls:", "if False:", "tests"),
    Guard(
        "TLS 1.2 or newer",
        f"{EGRESS}/tls.py",
        "context.minimum_version = ssl.TLSVersion.TLSv1_2",
        'context.minimum_version = ssl.TLSVersion.TLSv1; context.set_ciphers("ALL:@SECLEVEL=0")',
        "tls",
    ),
    Guard(
        "chain and name are verified",
        f"{EGRESS}/tls.py",
        "context.minimum_version = ssl.TLSVersion.TLSv1_2",
        "context.check_hostname = False; context.verify_mode = ssl.CERT_NONE",
        "tls",
    ),
    Guard(
        "the name is verified",
        f"{EGRESS}/tls.py",
        "context.minimum_version = ssl.TLSVersion.TLSv1_2",
        "context.check_hostname = False",
        "tls",
    ),
    Guard(
        "the provider's authorities alone are trusted",
        f"{EGRESS}/client.py",
        "_context(destination.ca_bundle, ",
        "_context(_any_bundle(destination.ca_bundle), ",
        "tls",
    ),
    Guard(
        "session keys are written nowhere",
        f"{EGRESS}/tls.py",
        "ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)",
        "ssl.create_default_context()",
        "tls",
    ),
    Guard(
        "no proxy from the environment",
        f"{EGRESS}/dial.py",
        "found = await self._names.addresses(host, port)",
        "import os\n"
        '        host = "3.3.3.3" if os.environ.get("https_proxy") else host\n'
        "        found = await self._names.addresses(host, port)",
        "proxy",
    ),
    Guard(
        "a token is judged before it becomes a header",
        f"{EGRESS}/client.py",
        "if not _TOKEN.fullmatch(value) or not _HEADER.fullmatch(credential.header):",
        "if False:",
        "token",
    ),
    Guard(
        "identity is the only encoding asked for",
        f"{EGRESS}/client.py",
        '(b"Accept-Encoding", b"identity")',
        '(b"Accept-Encoding", b"gzip")',
        "control",
    ),
    Guard(
        "a connection serves one request",
        f"{EGRESS}/client.py",
        '(b"Connection", b"close")',
        '(b"Connection", b"keep-alive")',
        "control",
    ),
]
# What a replaced line needs beside itself.
BESIDE = {
    "the checked address is dialled, not the name": (
        "for address in await self._checked(host, port):",
        "self._host = host\n        for address in await self._checked(host, port):",
    ),
    "the provider's authorities alone are trusted": (
        "USER_AGENT =",
        "_seen = []\n\n\ndef _any_bundle(one):\n    _seen.append(one)\n"
        '    return "".join(b for b in _seen if b.startswith("---"))\n\n\nUSER_AGENT =',
    ),
}


def copy_of(checkout: Path, folder: Path, guard: Guard | None) -> Path:
    copied = folder / "operator"
    shutil.copytree(
        checkout / "operator", copied, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
    if guard is not None:
        path = copied / "tokencheck" / guard.file
        text = path.read_text()
        for old, new in [(guard.text, guard.without), *filter(None, [BESIDE.get(guard.name)])]:
            assert old in text, f"{guard.file} has no line `{old}` any more"
            text = text.replace(old, new, 1)
        path.write_text(text)
    return copied


def passes(checkout: Path, copied: Path, seen_by: str) -> bool:
    """Whether all that `seen_by` names passes against the copy."""
    if seen_by != "tests":
        ran = run_vectors(checkout, "--first", "--family", seen_by, code=copied)
        assert ran.count
        return not ran.wrong
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            "-o",
            f"pythonpath={copied} tests",
            "tests/egress/test_pieces.py",
            "tests/egress/test_pace.py",
        ],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(copied), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_without_the_guard_something_fails(checkout: Path, tmp_path: Path, guard: Guard) -> None:
    assert not passes(checkout, copy_of(checkout, tmp_path, guard), guard.seen_by)


def test_a_copy_with_every_guard_passes(checkout: Path, tmp_path: Path) -> None:
    """Else the copying would be what fails."""
    copied = copy_of(checkout, tmp_path, None)
    assert passes(checkout, copied, "control")
    assert passes(checkout, copied, "tests")
