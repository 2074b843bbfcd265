"""Key sets: keys of one name, without a name, for another use, private, weak, broken."""

from __future__ import annotations

import json

from oracle.draft import Draft
from oracle.signers import ALGORITHMS, Object, encode, number

_USES = ("sig", "enc", "", "SIG", None, 5)
_OPS = (["verify"], ["sign", "verify"], ["encrypt"], ["sign"], [], "verify", None, [5])
_LOW_ORDER = (
    "00" * 32,
    "01" + "00" * 31,
    "00" * 31 + "80",
    "ec" + "ff" * 30 + "7f",
    "ee" + "ff" * 31,
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
)


def _own(draft: Draft) -> list[Object]:
    return [key for key in draft.keys if key.get("kid") == draft.signer.name]


def nothing(draft: Draft) -> None:
    draft.keys.clear()


def only_others(draft: Draft) -> None:
    draft.keys = [key for key in draft.keys if key not in _own(draft)]


def no_names(draft: Draft) -> None:
    for key in draft.keys:
        key.pop("kid", None)


def no_name(draft: Draft) -> None:
    for key in _own(draft):
        del key["kid"]


def same_name(draft: Draft) -> None:
    """A stranger's key, or another kind of key, of the same name before or after the right one."""
    other = draft.rng.choice(draft.ring.own).jwk | {"kid": draft.signer.name}
    stranger = draft.ring.strangers.get(draft.signer.name)
    chosen = dict(draft.rng.choice([other, stranger.jwk if stranger else other]))
    draft.keys.insert(draft.rng.randrange(len(draft.keys) + 1), chosen)


def all_one_name(draft: Draft) -> None:
    for key in draft.keys:
        key["kid"] = draft.signer.name


def use(draft: Draft) -> None:
    for key in _own(draft):
        key["use"] = draft.rng.choice(_USES)


def operations(draft: Draft) -> None:
    for key in _own(draft):
        key["key_ops"] = draft.rng.choice(_OPS)


def algorithm(draft: Draft) -> None:
    for key in _own(draft):
        key["alg"] = draft.rng.choice([*ALGORITHMS, draft.algorithm, "RSA-OAEP", "HS256", "", None])


def private(draft: Draft) -> None:
    member = getattr(draft.signer, "private_member", {"d": "AQ"})
    for key in _own(draft):
        key |= member


def symmetric(draft: Draft) -> None:
    secret = {"kty": "oct", "k": encode(b"secret").decode(), "kid": draft.signer.name}
    if draft.rng.random() < 0.5:
        secret["alg"] = "HS256"
    draft.keys.insert(draft.rng.randrange(len(draft.keys) + 1), secret)


def weak(draft: Draft) -> None:
    """1024 bits verify with a warning; 512 bits vouch for nothing."""
    names = {"rsa-weak": draft.ring.own, "rsa-tiny": (draft.ring.tiny,)}
    name = draft.rng.choice(list(names))
    draft.signer = next(s for s in names[name] if s.name == name)
    draft.algorithm = draft.header["alg"] = draft.rng.choice(draft.signer.algorithms)
    draft.header["kid"] = name
    draft.keys.append(dict(draft.signer.jwk))


def low_order(draft: Draft) -> None:
    """A point of Ed25519 for which everybody can sign: h is 0 modulo 8 for one text in eight.

    Source: RFC 8032 section 5.1.7 (S B = R + k A); RFC 8037 section 5.
    """
    point = encode(bytes.fromhex(draft.rng.choice(_LOW_ORDER))).decode()
    draft.keys = [{"kty": "OKP", "crv": "Ed25519", "x": point, "kid": "low"}]
    draft.header |= {"alg": "EdDSA", "kid": "low"}
    draft.signature = lambda _: b"\x01" + bytes(63)


def wrong_curve(draft: Draft) -> None:
    """The right coordinates under the name of another curve, or a point beside the curve."""
    for key in draft.keys:
        if key["kty"] == "EC" and key.get("kid"):
            key |= draft.rng.choice(
                [{"crv": c} for c in ("P-256", "P-384", "P-521", "secp256k1", "")]
                + [{"y": key["x"]}]
            )


def padded_coordinate(draft: Draft) -> None:
    """A coordinate with a zero byte too many. Source: RFC 7518 section 6.2.1.2 (full size)."""
    for key in draft.keys:
        if key["kty"] == "EC" and key.get("kid"):
            key["x"] = encode(b"\0" + int.from_bytes(b"\1" * 32).to_bytes(32)).decode()


def other_point(draft: Draft) -> None:
    for key in draft.keys:
        if key["kty"] == "OKP":
            key["x"] = encode(draft.rng.randbytes(draft.rng.choice([31, 32, 32, 33]))).decode()


def other_modulus(draft: Draft) -> None:
    for key in draft.keys:
        if key["kty"] == "RSA":
            key["n"] = number(draft.rng.getrandbits(2048) | 1 | 1 << 2047)


def member_twice(draft: Draft) -> None:
    """Source: RFC 7517 section 4: the names of a key's members are unique."""
    text = json.dumps({"keys": draft.keys})
    draft.jwks_text = text.replace('"kid"', '"kid": "x", "kid"', 1)


def no_set(draft: Draft) -> None:
    draft.jwks_text = draft.rng.choice(["", "null", "[]", "{}", '{"keys": {}}', '{"keys": 5}', "x"])


def strange_entries(draft: Draft) -> None:
    entries: list[object] = [5, None, "key", [], {}, {"kty": "AKP"}, {"kty": "future", "kid": "x"}]
    chosen = draft.rng.sample(entries, 2)
    draft.jwks_text = json.dumps({"keys": [*chosen, *draft.keys], "more": 1})


TWISTS = (
    nothing,
    only_others,
    no_names,
    no_name,
    same_name,
    all_one_name,
    use,
    operations,
    algorithm,
    private,
    symmetric,
    weak,
    low_order,
    wrong_curve,
    padded_coordinate,
    other_point,
    other_modulus,
    member_twice,
    no_set,
    strange_entries,
)
