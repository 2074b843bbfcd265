"""Guards behind which another one stands: with either of them taken out, what they stop is stopped.

So no vector can show that one is gone. Here all walls but one are taken out, each in its turn, and
the last one holds; with none of them left, nothing does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

ADDRESSES = "clients/egress/addresses.py"
URLS = "api/urls.py"
NOBODY = "240.0.0.0/32"  # instead of a network


@dataclass(frozen=True)
class Wall:
    """What is replaced by what."""

    text: str
    without: str
    file: str = ADDRESSES


def network(cidr: str) -> Wall:
    return Wall(f'"{cidr}"', f'"{NOBODY}"')


PUBLIC_ALONE = Wall("address in _PUBLIC_IPV6 else", "True else")
CARRIES_IPV4 = Wall("if address in _COMPATIBLE:", "if False:")
# What is stopped by which walls.
BEHIND: dict[str, tuple[Wall, ...]] = {
    "fe80::1": (network("fe80::/10"), PUBLIC_ALONE),
    "fec0::1": (network("fec0::/10"), PUBLIC_ALONE),
    "ff02::1": (network("ff00::/8"), PUBLIC_ALONE),
    "64:ff9b:1::a9fe:a9fe": (network("64:ff9b:1::/48"), PUBLIC_ALONE),
    "::ffff:0:a9fe:a9fe": (network("::ffff:0:0:0/96"), PUBLIC_ALONE),
    "::7f00:1": (CARRIES_IPV4, PUBLIC_ALONE),
    "::": (network("::/128"), CARRIES_IPV4, PUBLIC_ALONE),
    "192.0.0.192": (network("192.0.0.192/32"), network("192.0.0.0/24")),
    "2001:0:53aa:64c::1": (network("2001::/32"), network("2001::/23")),
    "https://ann@login.test/keys": (
        Wall('if "@" in text:', "if False:", URLS),
        Wall(r"[^:\[\]@]+", r"[^:\[\]]+", URLS),
        Wall('_NAME = re.compile(r"[a-z0-9]', '_NAME = re.compile(r"[a-z0-9@]+', URLS),
    ),
}


def stopped(checkout: Path, what: str, without: Iterable[Wall]) -> bool:
    """Whether it is stopped when these walls are out."""
    file = BEHIND[what][0].file
    text = (checkout / "operator/tokencheck" / file).read_text()
    for wall in without:
        assert text.count(wall.text) == 1, f"{file} has no line `{wall.text}` any more"
        text = text.replace(wall.text, wall.without)
    module = ModuleType(f"tokencheck.{file.removesuffix('.py').replace('/', '.')}")
    exec(compile(text, file, "exec"), module.__dict__)  # noqa: S102 - our own file
    judged = module.parse_url(what) if file == URLS else module.checked_address(what, ())
    return isinstance(judged, str)


@pytest.mark.parametrize("what", BEHIND)
def test_each_wall_alone_holds(checkout: Path, what: str) -> None:
    for last in BEHIND[what]:
        assert stopped(checkout, what, [wall for wall in BEHIND[what] if wall is not last]), last


@pytest.mark.parametrize("what", BEHIND)
def test_no_other_wall_stands_behind_them(checkout: Path, what: str) -> None:
    assert not stopped(checkout, what, BEHIND[what])
