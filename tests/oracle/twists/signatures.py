"""Signatures: of a stranger, in another encoding, of another length, with numbers out of range."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from oracle.draft import Change, Draft
from oracle.signers import SIZES, Signer

# Source: FIPS 186-4 appendix D.1.2.
ORDERS = {
    name: int(digits, 16)
    for name, digits in {
        "P-256": "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
        "P-384": "F" * 48 + "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
        "P-521": "1" + "F" * 64 + "FA51868783BF2F966B7FCC0148F709A5"
        "D03BB5C9B8899C47AEBB6FB71E91386409",
    }.items()
}
ED_ORDER = 2**252 + 27742317777372353535851937790883648493


def _change(draft: Draft, change: Change) -> None:
    sign = draft.signature or (lambda data: draft.signer.sign(draft.algorithm, data))
    draft.signature = lambda data: change(sign(data))


def _to(draft: Draft, *prefixes: str) -> None:
    """Let a key of one of these kinds sign; its public key is added to the set."""
    fitting = [s for s in draft.ring.own if s.algorithms[0].startswith(prefixes)]
    draft.signer = draft.rng.choice(fitting)
    draft.algorithm = draft.rng.choice(draft.signer.algorithms)
    draft.header |= {"alg": draft.algorithm, "kid": draft.signer.name}
    draft.keys.append(dict(draft.signer.jwk))


def stranger(draft: Draft) -> None:
    draft.signer = draft.ring.strangers.get(draft.signer.name, draft.signer)


def flipped(draft: Draft) -> None:
    place, bit = draft.rng.randrange(32), 1 << draft.rng.randrange(8)
    _change(draft, lambda s: s[:place] + bytes([s[place] ^ bit]) + s[place + 1 :] if s else s)


def length(draft: Draft) -> None:
    _change(
        draft,
        draft.rng.choice(
            [
                lambda s: s[:-1],
                lambda s: s[1:],
                lambda s: s + b"\x00",
                lambda s: b"\x00" + s,
                lambda _: b"",
                lambda s: s + s,
                lambda s: s[: len(s) // 2],
                lambda s: bytes(len(s)),
            ]
        ),
    )


def other_hash(draft: Draft) -> None:
    """An algorithm of the same key, which the header does not name."""
    if isinstance(draft.signer, Signer):
        signer, other = draft.signer, draft.rng.choice(draft.signer.algorithms)
        draft.signature = lambda data: signer.sign(other, data)


def der(draft: Draft) -> None:
    """ASN.1 as X.509 has it, in place of r and s. Source: RFC 7518 section 3.4."""
    _to(draft, "ES")
    _change(draft, lambda s: encode_dss_signature(*_numbers(s)))


def range_of_numbers(draft: Draft) -> None:
    """R or s is zero, the order of the curve, or n-s, which verifies too."""
    _to(draft, "ES")
    curve = draft.signer.jwk["crv"]
    order, size = ORDERS[curve], SIZES[curve]
    kind = draft.rng.choice(["r=0", "s=0", "both 0", "r=n", "s=n", "s+n", "n-s", "1,1", "swapped"])

    def change(raw: bytes) -> bytes:
        r, s = _numbers(raw)
        numbers = {
            "r=0": (0, s),
            "s=0": (r, 0),
            "both 0": (0, 0),
            "r=n": (order, s),
            "s=n": (r, order),
            "s+n": (r, (s + order) % 256**size),
            "n-s": (r, order - s),
            "1,1": (1, 1),
            "swapped": (s, r),
        }[kind]
        return b"".join((value % 256**size).to_bytes(size) for value in numbers)

    _change(draft, change)


def salt(draft: Draft) -> None:
    """Source: RFC 7518 section 3.5: the salt is as long as the hash."""
    _to(draft, "RS")
    signer = draft.signer
    assert isinstance(signer, Signer)
    sizes = {"PS256": 32, "PS384": 48, "PS512": 64}
    named = draft.rng.choice([n for n in signer.algorithms if n in sizes])
    draft.algorithm = draft.header["alg"] = named
    most = 128 - sizes[named] - 2
    chosen = draft.rng.choice([0, 1, 20, min(32, most), min(48, most), most])
    draft.signature = lambda data: signer.salted(named, data, chosen)


def leading_zeros(draft: Draft) -> None:
    """A signature that begins with a zero, without it. Source: RFC 8017 section 8.1.2 (length).

    A short key signs again and again until there is one, with another salt each time.
    """
    signer = next(s for s in draft.ring.own if s.name == "rsa-weak")
    draft.signer, draft.algorithm = signer, draft.rng.choice(("PS256", "PS384"))
    draft.header |= {"alg": draft.algorithm, "kid": signer.name}
    draft.keys.append(dict(signer.jwk))
    named, cut = draft.algorithm, draft.rng.choice([0, 1])

    def sign(data: bytes) -> bytes:
        while (raw := signer.sign(named, data))[0]:
            pass
        return raw[cut:]

    draft.signature = sign


def beyond_modulus(draft: Draft) -> None:
    """S + n, which is the same number modulo n. Source: RFC 8017 section 5.2.2."""
    _to(draft, "RS")
    assert isinstance(draft.signer, Signer)
    modulus = draft.signer.private.public_key().public_numbers().n
    size = 1 + (modulus.bit_length() + 7) // 8
    _change(draft, lambda s: (int.from_bytes(s[:size]) + modulus).to_bytes(size + 1).lstrip(b"\0"))


def beyond_order(draft: Draft) -> None:
    """S + L of Ed25519. Source: RFC 8032 section 5.1.7 (S is below the order)."""
    _to(draft, "EdDSA")

    def change(raw: bytes) -> bytes:
        beyond = int.from_bytes(raw[32:64], "little") + ED_ORDER
        return raw[:32] + (beyond % 2**256).to_bytes(32, "little")

    _change(draft, change)


def _numbers(raw: bytes) -> tuple[int, int]:
    half = len(raw) // 2
    return int.from_bytes(raw[:half]), int.from_bytes(raw[half:])


TWISTS = (
    stranger,
    flipped,
    length,
    other_hash,
    der,
    range_of_numbers,
    salt,
    leading_zeros,
    beyond_modulus,
    beyond_order,
)
