"""Every way to get a token or a key set wrong, or nearly: one function each, by its name."""

from __future__ import annotations

from collections.abc import Callable

from oracle.draft import Draft
from oracle.twists import claims, headers, keysets, signatures, texts

Twist = Callable[[Draft], None]
TWISTS: dict[str, Twist] = {
    f"{group.__name__.rpartition('.')[2]}: {twist.__name__}": twist
    for group in (headers, claims, keysets, signatures, texts)
    for twist in group.TWISTS
}
