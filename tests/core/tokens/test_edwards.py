"""Every point of low order is known, in each of its spellings, and no other one is taken for it."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519

from tokencheck.core.tokens.edwards import is_of_low_order
from tokencheck.core.tokens.keys import parse_jwks
from tokencheck.core.tokens.read import read_token
from tokencheck.model.facts import SignatureState
from tokencheck.model.sealed import Sealed

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]


def added(one: Point, other: Point) -> Point:
    """Source: RFC 8032 section 5.1.4, in affine coordinates."""
    (x, y), (u, v) = one, other
    twist = D * x * u * y * v % P
    across = (x * v + u * y) * pow(1 + twist, -1, P) % P
    along = (y * v + x * u) * pow(1 - twist, -1, P) % P
    return across, along


def eight_times(point: Point) -> Point:
    for _ in range(3):
        point = added(point, point)
    return point


def with_y(y: int) -> Point:
    """One of the two points with this y: x squared is (y y - 1) / (d y y + 1)."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert x * x % P == square
    return x, y


def spellings() -> dict[int, list[bytes]]:
    """Each y of the eight points whose order divides 8, found by adding up, as it is encoded."""
    eighth = with_y(0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7)
    points = [eighth]
    while len(points) < 8:
        points.append(added(points[-1], eighth))
    assert len(set(points)) == 8
    assert all(eight_times(point) == (0, 1) for point in points)
    return {
        y: [
            (number | sign << 255).to_bytes(32, "little")
            for number in (y, y + P)
            if number < 2**255
            for sign in (0, 1)
        ]
        for _, y in points
    }


@pytest.mark.parametrize("y", spellings())
def test_each_spelling_of_each_point_of_order_eight_is_known(y) -> None:
    assert all(is_of_low_order("Ed25519", text) for text in spellings()[y])


def test_keys_of_somebody_are_no_such_points() -> None:
    for _ in range(20):
        public = ed25519.Ed25519PrivateKey.generate().public_key()
        assert not is_of_low_order("Ed25519", public.public_bytes_raw())
        other = ed448.Ed448PrivateKey.generate().public_key()
        assert not is_of_low_order("Ed448", other.public_bytes_raw())


@pytest.mark.parametrize("text", [b"", bytes(31), bytes(33), b"\x01" * 32])
def test_a_text_of_another_length_or_another_point_is_none(text) -> None:
    assert not is_of_low_order("Ed25519", text)


P448 = 2**448 - 2**224 - 1


@pytest.mark.parametrize("y", [0, 1, P448 - 1, P448, P448 + 1])
@pytest.mark.parametrize("sign", [0, 1])
def test_the_points_of_order_four_of_the_other_curve_are_known(y, sign) -> None:
    assert is_of_low_order("Ed448", (y | sign << 455).to_bytes(57, "little"))


def test_a_key_that_anybody_can_sign_for_vouches_for_nothing(mint, usable) -> None:
    """The neutral point, R the same, S zero: every text is signed."""
    one = {"kty": "OKP", "crv": "Ed25519", "x": "AQ" + "A" * 41}
    keys = parse_jwks(json.dumps(one))
    assert keys.faults == ("key 1: its point is of low order: anybody can sign for it",)
    head, payload, _ = mint.token({"key": "ed25519"}).split(b".")
    forged = b".".join((head, payload, b"AQ" + b"A" * 84))
    facts = read_token(Sealed(forged), usable(keys=keys), fingerprint_key=b"key")
    assert facts.signature.state is SignatureState.KEY_NOT_FOUND
