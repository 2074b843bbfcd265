"""The keys of a run, made once, each with the algorithms that it can sign with."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

Object = dict[str, Any]
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ALGORITHMS = (*RSA_ALGORITHMS, "ES256", "ES384", "ES512", "EdDSA")
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
SIZES = {"P-256": 32, "P-384": 48, "P-521": 66}
# Two primes of 256 bits: below 1024 bits no library signs any more.
_TINY_PRIMES = (2**256 - 189, 2**256 - 357)
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def encode(data: bytes) -> bytes:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def number(value: int, size: int = 0) -> str:
    """A number as a member of a JSON Web Key."""
    return encode(value.to_bytes(size or (value.bit_length() + 7) // 8)).decode()


@dataclass(frozen=True)
class Signer:
    """A private key: its name is its key id."""

    name: str
    private: Any
    algorithms: tuple[str, ...]

    def sign(self, algorithm: str, data: bytes) -> bytes:
        """The signature as RFC 7518 section 3 has it."""
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(data)
        digest = HASHES[algorithm[2:]]()
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            size = SIZES[self.jwk["crv"]]
            r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(digest)))
            return r.to_bytes(size) + s.to_bytes(size)
        if algorithm.startswith("PS"):
            return self.salted(algorithm, data, digest.digest_size)
        return self.private.sign(data, padding.PKCS1v15(), digest)

    def salted(self, algorithm: str, data: bytes, salt: int) -> bytes:
        """An RSASSA-PSS signature with a salt of so many bytes."""
        digest = HASHES[algorithm[2:]]()
        return self.private.sign(data, padding.PSS(padding.MGF1(digest), salt), digest)

    @cached_property
    def jwk(self) -> Object:
        """The public key as a JSON Web Key."""
        public = self.private.public_key()
        if isinstance(public, ed25519.Ed25519PublicKey):
            raw = public.public_bytes_raw()
            return {"kty": "OKP", "crv": "Ed25519", "x": encode(raw).decode(), "kid": self.name}
        numbers = public.public_numbers()
        if isinstance(public, rsa.RSAPublicKey):
            members = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
            return {**members, "kid": self.name}
        curve = {256: "P-256", 384: "P-384", 521: "P-521"}[public.curve.key_size]
        x, y = number(numbers.x, SIZES[curve]), number(numbers.y, SIZES[curve])
        return {"kty": "EC", "crv": curve, "x": x, "y": y, "kid": self.name}

    @cached_property
    def private_member(self) -> Object:
        """The member that makes the public key a private one."""
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return {"d": encode(self.private.private_bytes_raw()).decode()}
        numbers = self.private.private_numbers()
        if isinstance(self.private, rsa.RSAPrivateKey):
            return {"d": number(numbers.d), "p": number(numbers.p), "q": number(numbers.q)}
        return {"d": number(numbers.private_value, SIZES[self.jwk["crv"]])}

    @cached_property
    def pem(self) -> bytes:
        """The public key as PEM: what an attacker takes for the secret of an HMAC."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, form)


@dataclass(frozen=True)
class TinySigner:
    """An RSA key of 512 bits, by hand."""

    name: str = "rsa-tiny"
    algorithms: tuple[str, ...] = ("RS256",)

    def sign(self, algorithm: str, data: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5. Source: RFC 8017 section 8.2.1."""
        p, q = _TINY_PRIMES
        info = _DIGEST_INFO + hashlib.sha256(data).digest()
        block = b"\0\1" + b"\xff" * (64 - 3 - len(info)) + b"\0" + info
        power = pow(65537, -1, (p - 1) * (q - 1))
        return pow(int.from_bytes(block), power, p * q).to_bytes(64)

    @property
    def jwk(self) -> Object:
        """The public key as a JSON Web Key."""
        p, q = _TINY_PRIMES
        return {"kty": "RSA", "n": number(p * q), "e": number(65537), "kid": self.name}


def _rsa(bits: int, exponent: int = 65537) -> Callable[[], Any]:
    return lambda: rsa.generate_private_key(exponent, bits)


def _ec(algorithm: str) -> Callable[[], Any]:
    return lambda: ec.generate_private_key(CURVES[algorithm])


_MADE: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "rsa-1": (_rsa(2048), RSA_ALGORITHMS),
    "rsa-2": (_rsa(2048), RSA_ALGORITHMS),
    "rsa-three": (_rsa(2048, 3), RSA_ALGORITHMS),
    "rsa-weak": (_rsa(1024), RSA_ALGORITHMS[:5]),
    "p256-1": (_ec("ES256"), ("ES256",)),
    "p256-2": (_ec("ES256"), ("ES256",)),
    "p384": (_ec("ES384"), ("ES384",)),
    "p521": (_ec("ES512"), ("ES512",)),
    "ed-1": (ed25519.Ed25519PrivateKey.generate, ("EdDSA",)),
    "ed-2": (ed25519.Ed25519PrivateKey.generate, ("EdDSA",)),
}


@dataclass(frozen=True)
class Ring:
    """The issuer's keys, and for each of them one of a stranger who took its name."""

    own: tuple[Signer, ...]
    strangers: dict[str, Signer]
    tiny: TinySigner = TinySigner()


def ring() -> Ring:
    """A new ring: about two seconds."""
    own = tuple(Signer(name, make(), algorithms) for name, (make, algorithms) in _MADE.items())
    strangers = {
        name: Signer(name, make(), algorithms) for name, (make, algorithms) in _MADE.items()
    }
    return Ring(own=own, strangers=strangers)
