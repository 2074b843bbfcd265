"""Tokens and keys made as issuers make them, and every way to get them wrong."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from tokencheck.model.trust import Trust, TrustState

NOW = 1_795_000_000
CLAIMS = {"iss": "https://login.example.com", "sub": "checkout", "exp": NOW + 3600, "iat": NOW}
ALGORITHM_OF = {
    "rsa": "RS256",
    "stranger": "RS256",
    "weak": "RS256",
    "ec256": "ES256",
    "ec384": "ES384",
    "ec521": "ES512",
    "ed25519": "EdDSA",
    "ed448": "EdDSA",
}


def encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def in_the_middle(part: bytes) -> bytes:
    """The part with another character in its middle: the last one has bits without meaning."""
    middle = len(part) // 2
    return (
        part[:middle] + (b"B" if part[middle : middle + 1] == b"A" else b"A") + part[middle + 1 :]
    )


class Mint:
    """Makes tokens as the rows of the vectors describe them."""

    def __init__(self) -> None:
        self.private: dict[str, Any] = {
            "rsa": rsa.generate_private_key(65537, 2048),
            "stranger": rsa.generate_private_key(65537, 2048),
            "weak": rsa.generate_private_key(65537, 1024),  # noqa: S505 - weak on purpose
            "ec256": ec.generate_private_key(ec.SECP256R1()),
            "ec384": ec.generate_private_key(ec.SECP384R1()),
            "ec521": ec.generate_private_key(ec.SECP521R1()),
            "ed25519": ed25519.Ed25519PrivateKey.generate(),
            "ed448": ed448.Ed448PrivateKey.generate(),
        }

    def jwk(self, name: str, **members: object) -> dict[str, object]:
        algorithm = get_default_algorithms()[ALGORITHM_OF[name]]
        jwk = algorithm.to_jwk(self.private[name].public_key(), as_dict=True)
        jwk.pop("key_ops", None)
        changed = {"kid": name, **jwk, **members}
        return {name: value for name, value in changed.items() if value is not None}

    def private_jwk(self, name: str) -> dict[str, object]:
        return get_default_algorithms()[ALGORITHM_OF[name]].to_jwk(self.private[name], as_dict=True)

    def pem(self, name: str) -> str:
        public = self.private[name].public_key()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return public.public_bytes(serialization.Encoding.PEM, form).decode()

    def key_set(self, rows: list[object]) -> str:
        """JWKS text from names of keys, or mappings with the name as `key` and other members."""
        keys = [self.jwk(r) if isinstance(r, str) else self.jwk(r["key"], **_but(r)) for r in rows]
        return json.dumps({"keys": keys})

    def token(self, row: Mapping[str, Any]) -> bytes:
        key = row.get("key", "rsa")
        algorithm = ALGORITHM_OF.get(key, "HS256")
        header = {"alg": algorithm, "typ": "JWT", "kid": key, **row.get("header", {})}
        header = {name: value for name, value in header.items() if value != "ABSENT"}
        claims = {**CLAIMS, **row.get("claims", {})}
        claims = {name: value for name, value in claims.items() if value != "ABSENT"}
        head = _bytes(row, "header_text", json.dumps(header))
        payload = _bytes(row, "payload_text", json.dumps(claims))
        signing_input = encode(head) + b"." + encode(payload)
        signature = self.signature(key, row.get("sign_with", algorithm), signing_input)
        return signing_input + b"." + encode(signature)

    def signature(self, key: str, algorithm: str, signing_input: bytes) -> bytes:
        public = self.private["rsa"].public_key()
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        secrets = {
            "the public key as PEM": lambda: self.pem("rsa").encode(),
            "the public key as DER": lambda: public.public_bytes(serialization.Encoding.DER, info),
            "the public key as JWK": lambda: json.dumps(self.jwk("rsa")).encode(),
            "nothing": lambda: b"",
        }
        if key in secrets:
            return hmac.digest(secrets[key](), signing_input, "sha256")
        return get_default_algorithms()[algorithm].sign(signing_input, self.private[key])


def _but(row: Any) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != "key"}


def _bytes(row: Mapping[str, Any], name: str, default: str) -> bytes:
    text = row.get(name, default)
    return text if isinstance(text, bytes) else text.encode()


def _signature(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda token: b".".join((*token.split(b".")[:2], change(token.split(b".")[2])))


def _spare_bit(part: bytes) -> bytes:
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return part[:-1] + alphabet[alphabet.index(part[-1]) + 1 :][:1]


def _low_s(part: bytes) -> bytes:
    """The other valid signature of ECDSA: (r, n - s)."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    raw = base64.urlsafe_b64decode(part + b"==")
    return encode(raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32))


def _ed25519_overflow(part: bytes) -> bytes:
    """S + L, which sloppy verifiers accept."""
    order = 2**252 + 27742317777372353535851937790883648493
    raw = base64.urlsafe_b64decode(part + b"==")
    return encode(raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little"))


MUTATIONS: dict[str, Callable[[bytes], bytes]] = {
    "a character in the middle of the signature changed": _signature(in_the_middle),
    "a spare bit of the signature set": _signature(_spare_bit),
    "padding after the signature": lambda token: token + b"==",
    "the signature in standard base64": _signature(lambda _: b"+/" * 171),
    "no signature": _signature(lambda _: b""),
    "one character less": lambda token: token[:-1],
    "the signature is (r, n-s)": _signature(_low_s),
    "the signature is S+L": _signature(_ed25519_overflow),
    "the signature is zeros": _signature(lambda _: encode(bytes(64))),
    "the signature is short": _signature(lambda _: encode(bytes(10))),
    "only two parts": lambda token: token.rsplit(b".", 1)[0],
    "a fourth part": lambda token: token + b".AAAA",
    "a foreign character in the payload": lambda token: token.replace(b".", b".!!!!", 1),
    "the payload one character short": lambda token: (
        b"%s.AAAAA.%s" % (token.split(b".")[0], token.split(b".")[2])
    ),
    "a newline after it": lambda token: token + b"\n",
    "white space on both sides": lambda token: b"  " + token + b"\t\r\n",
    "a space before it": lambda token: b" " + token,
    "a line break inside": lambda token: token[:40] + b"\n" + token[40:],
    "a carriage return inside": lambda token: token[:40] + b"\r" + token[40:],
    "a NUL inside": lambda token: token[:40] + b"\0" + token[40:],
    "a letter beyond ASCII inside": lambda token: token[:40] + "é".encode() + token[40:],
    "a byte order mark before it": lambda token: b"\xef\xbb\xbf" + token,
    "in UTF-16": lambda token: token.decode().encode("utf-16"),
    "Bearer before it": lambda token: b"Bearer " + token,
    "a header's name before it": lambda token: b"Authorization: bearer " + token,
    "in quotation marks": lambda token: b'"' + token + b'"',
    "encoded twice": base64.b64encode,
    "twenty times as long": lambda token: token + b"A" * 20_000,
}


@pytest.fixture(scope="session")
def mint() -> Mint:
    """One set of keys for all tests: making RSA keys takes a second."""
    return Mint()


@pytest.fixture(scope="session")
def mutate() -> Callable[[str | None, bytes], bytes]:
    """Apply a mutation by its sentence."""
    return lambda name, token: MUTATIONS[name](token) if name else token


@pytest.fixture(scope="session")
def usable() -> Callable[..., Trust]:
    """A trust whose keys are at hand."""
    return lambda **parts: Trust(state=TrustState.USABLE, provider="login", **parts)
