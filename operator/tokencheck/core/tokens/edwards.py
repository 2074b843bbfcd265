"""Points of the Edwards curves that are public keys of nobody.

With a point A of low order, k A takes few values: a signature that fits is found by trying texts,
or fits every text. Source: RFC 8032 sections 5.1.7 and 5.2.7 (S B = R + k A).
"""

from collections.abc import Mapping
from types import MappingProxyType

_P25519 = 2**255 - 19
_P448 = 2**448 - 2**224 - 1
_Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7  # of two points of order 8

# The y of every point whose order divides the cofactor, and its other spellings: y + p fits too.
# Source: RFC 7748 section 4 (the curves), RFC 8032 sections 5.1.2 and 5.2.2 (the encoding).
_LOW: Mapping[str, tuple[int, frozenset[int]]] = MappingProxyType(
    {
        "Ed25519": (32, frozenset((0, 1, _P25519 - 1, _P25519, _P25519 + 1, _Y8, _P25519 - _Y8))),
        "Ed448": (57, frozenset((0, 1, _P448 - 1, _P448, _P448 + 1))),
    }
)


def is_of_low_order(curve: str, encoded: bytes) -> bool:
    """Return whether a public key of `curve` is a point for which anybody can sign.

    Args:
        encoded: little-endian y, the sign of x in the highest bit; of any length.
    """
    size, low = _LOW[curve]
    sign = 1 << (8 * size - 1)
    return len(encoded) == size and (int.from_bytes(encoded, "little") & ~sign) in low
