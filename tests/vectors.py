"""Texts of `core/vectors`, which holds no token itself: no scanner shall take it for a leak."""

from __future__ import annotations

import re
from itertools import cycle, islice

_FILLERS = {"a": "Zq3Xw8Tn5Rk1Vb7Mj", "x": "0a9f3c7e1d5b", "B": "QWERTYUIOPASDFGH"}


def filled(text: str) -> bytes:
    """The text with `<a:N>` (letters, digits), `<x:N>` (hexadecimal), `<B:N>` (capitals) filled."""

    def filler(match: re.Match[str]) -> str:
        return "".join(islice(cycle(_FILLERS[match[1]]), int(match[2])))

    return re.sub(r"<([axB]):(\d+)>", filler, text).encode()
