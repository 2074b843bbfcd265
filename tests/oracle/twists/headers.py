"""Headers: algorithms, key ids, and what brings a key or changes what is signed."""

from __future__ import annotations

import base64
import datetime
import functools
import hmac
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from oracle.draft import START, Draft, with_member
from oracle.signers import ALGORITHMS, Signer

_OTHER_NAMES = ("none", "None", "nOnE", "NONE", "", "rs256", "RS1", "ES256K", "HS1", "dir")


def none(draft: Draft) -> None:
    draft.header["alg"] = draft.rng.choice(_OTHER_NAMES[:4])
    if draft.rng.random() < 0.7:
        draft.signature = lambda _: b""


def odd_algorithm(draft: Draft) -> None:
    draft.header["alg"] = draft.rng.choice([*_OTHER_NAMES, None, 5, ["RS256"], {}, True])


def no_algorithm(draft: Draft) -> None:
    del draft.header["alg"]


def other_algorithm(draft: Draft) -> None:
    """The header names another one than the signature was made with."""
    draft.header["alg"] = draft.rng.choice(ALGORITHMS)


def shared_secret(draft: Draft) -> None:
    """The public key, which everybody has, as the secret of an HMAC. Source: RFC 8725 2.1."""
    name, digest = draft.rng.choice([("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")])
    public = draft.signer.pem if isinstance(draft.signer, Signer) else b"secret"
    secret = draft.rng.choice([public, json.dumps(draft.signer.jwk).encode(), b"", b"secret"])
    draft.header["alg"] = name
    draft.signature = lambda data: hmac.digest(secret, data, digest)


def fewer_algorithms(draft: Draft) -> None:
    draft.algorithms = tuple(draft.rng.sample(ALGORITHMS, draft.rng.randrange(1, 6)))


def critical(draft: Draft) -> None:
    draft.header["crit"] = draft.rng.choice(
        [["exp"], ["b64"], [], ["crit"], "b64", None, ["http://example.com/x"], [5]]
    )


def raw_payload(draft: Draft) -> None:
    """The signature covers the payload as it is. Source: RFC 7797, which forbids it to JWTs."""
    draft.header |= {"b64": draft.rng.choice([False, False, False, True, "false"])}
    if draft.rng.random() < 0.7:
        draft.header["crit"] = ["b64"]
    draft.raw_payload_signed = draft.header["b64"] is False


def compressed(draft: Draft) -> None:
    draft.header["zip"] = "DEF"


def odd_key_id(draft: Draft) -> None:
    draft.header["kid"] = draft.rng.choice(
        [5, None, [], ["rsa-1"], {}, True, "", "../../dev/null", "a\nb", "k" * 257, "é", 1.5]
    )


def no_key_id(draft: Draft) -> None:
    del draft.header["kid"]


def unknown_key_id(draft: Draft) -> None:
    draft.header["kid"] = draft.rng.choice(["nobody", draft.signer.name + " ", "RSA-1", "kid"])


def key_id_of_another(draft: Draft) -> None:
    draft.header["kid"] = draft.rng.choice(draft.ring.own).name


def odd_type(draft: Draft) -> None:
    draft.header["typ"] = draft.rng.choice(
        [
            "at+jwt",
            "AT+JWT",
            "application/jwt",
            "logout+jwt",
            "dpop+jwt",
            "",
            5,
            None,
            "JOSE",
            "jwt",
        ]
    )


def no_type(draft: Draft) -> None:
    del draft.header["typ"]


def content_type(draft: Draft) -> None:
    draft.header["cty"] = draft.rng.choice(["JWT", "json", "application/json"])


def own_key(draft: Draft) -> None:
    """A stranger signs, and brings the public key along."""
    stranger = draft.ring.strangers.get(draft.signer.name)
    if stranger is None:
        return
    draft.signer = stranger
    draft.header["jwk"] = stranger.jwk


def harmless_key(draft: Draft) -> None:
    """The issuer's own public key beside its signature."""
    draft.header["jwk"] = draft.signer.jwk


def exposed_key(draft: Draft) -> None:
    """The private key itself in the header. Source: RFC 7515 section 4.1.3 (the public key)."""
    if isinstance(draft.signer, Signer):
        draft.header["jwk"] = draft.signer.jwk | draft.signer.private_member


def broken_key(draft: Draft) -> None:
    draft.header["jwk"] = draft.rng.choice(
        [
            {"kty": "RSA"},
            {},
            "key",
            5,
            [],
            {"kty": "oct", "k": "c2VjcmV0"},
            {"kty": "EC"},
            {"kty": 5},
        ]
    )


def address_of_keys(draft: Draft) -> None:
    draft.header[draft.rng.choice(["jku", "x5u"])] = "https://evil.example/keys"


def certificate(draft: Draft) -> None:
    draft.header["x5c"] = draft.rng.choice([[_certificate()], [_certificate()] * 2, []])


def broken_certificate(draft: Draft) -> None:
    draft.header["x5c"] = draft.rng.choice(["MIIB", 5, {}, [5], [None], ["a"], ["_-_-"], [[]]])


def header_member_twice(draft: Draft) -> None:
    text = json.dumps(draft.header)
    twice = draft.rng.choice(['"alg": "none"', '"kid": "x"', '"alg": "RS256"', '"typ": "JWT"'])
    draft.header_text = with_member(draft.rng, text, twice)


def header_text(draft: Draft) -> None:
    text = json.dumps(draft.header).encode()
    draft.header_text = draft.rng.choice(
        [
            text + b" ",
            b" " + text,
            b"\n" + text,
            text[:-1],
            b"[" + text + b"]",
            b"{}",
            b"",
            b"null",
            text + text,
            b"\xef\xbb\xbf" + text,
            text.replace(b'"', b"'"),
            text[:-1] + b",}",
            text[:-1] + b', "n": "\xff"}',
            text[:-1] + b', "n": "\\ud800"}',
            text.upper(),
            text[:-1] + b', "n": ' + b"[" * 40 + b"]" * 40 + b"}",
            text[:-1] + b', "n": NaN}',
        ]
    )


@functools.cache
def _certificate() -> str:
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "evil")])
    start = datetime.datetime.fromtimestamp(START, datetime.UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1, start, start.replace(year=2040)
    )
    made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    return base64.b64encode(made).decode()


TWISTS = (
    none,
    odd_algorithm,
    no_algorithm,
    other_algorithm,
    shared_secret,
    fewer_algorithms,
    critical,
    raw_payload,
    compressed,
    odd_key_id,
    no_key_id,
    unknown_key_id,
    key_id_of_another,
    odd_type,
    no_type,
    content_type,
    own_key,
    harmless_key,
    exposed_key,
    broken_key,
    address_of_keys,
    certificate,
    broken_certificate,
    header_member_twice,
    header_text,
)
