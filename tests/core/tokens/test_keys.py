"""Key sets: what is kept, what is refused, and in which words."""

from __future__ import annotations

import base64
import datetime
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.tokens.keys import MAX_BYTES, parse_jwks
from tokencheck.core.tokens.read import read_token
from tokencheck.model.facts import SignatureState
from tokencheck.model.sealed import Sealed

FAULTS = [
    (
        "a symmetric key",
        {"kty": "oct", "k": "AAAA"},
        "key 1: symmetric: whoever reads it can make tokens; remove it",
    ),
    ("no object", 5, "key 1: is not an object"),
    ("text", "abc", "key 1: is not an object"),
    ("an unknown type", {"kty": "XYZ"}, "key 1: its type or curve verifies no token"),
    (
        "an unknown curve",
        {"kty": "EC", "crv": "P-192"},
        "key 1: its type or curve verifies no token",
    ),
    (
        "a curve of encryption",
        {"kty": "OKP", "crv": "X25519"},
        "key 1: its type or curve verifies no token",
    ),
    (
        "a curve that is no text",
        {"kty": "OKP", "crv": 5},
        "key 1: its type or curve verifies no token",
    ),
    ("an RSA key without n", {"kty": "RSA", "e": "AQAB"}, "key 1: n or e is not base64url"),
    (
        "an RSA key whose n is padded",
        {"kty": "RSA", "n": "AA==", "e": "AQAB"},
        "key 1: n or e is not base64url",
    ),
    (
        "an EC key without y",
        {"kty": "EC", "crv": "P-256", "x": "AAAA"},
        "key 1: x or y is not base64url",
    ),
    ("an Ed25519 key without x", {"kty": "OKP", "crv": "Ed25519"}, "key 1: x is not base64url"),
    ("an x beyond ASCII", {"kty": "OKP", "crv": "Ed25519", "x": "é"}, "key 1: x is not base64url"),
]


@pytest.mark.parametrize(
    ("key", "fault"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_a_key_that_cannot_verify_is_named(key, fault) -> None:
    keys = parse_jwks(json.dumps({"keys": [key]}))
    assert keys.keys == ()
    assert keys.faults == (fault,)


@pytest.mark.parametrize("name", ["rsa", "ec256", "ed25519"])
def test_a_private_key_is_refused_and_nothing_of_it_is_kept(mint, name) -> None:
    private = mint.private_jwk(name)
    keys = parse_jwks(json.dumps({"keys": [mint.jwk("ec384"), mint.jwk("ec521"), private]}))
    assert keys.faults == ("key 3: private members; rotate it",)
    assert len(keys.keys) == 2
    assert str(private["d"]) not in repr(keys)


def test_public_keys_keep_their_order_and_their_names(mint) -> None:
    keys = parse_jwks(mint.key_set(["rsa", {"key": "ec256", "alg": "ES256"}, "ed25519"]))
    assert [(k.key_id, k.key_type, k.algorithm) for k in keys.keys] == [
        ("rsa", "RSA", None),
        ("ec256", "EC", "ES256"),
        ("ed25519", "OKP", None),
    ]
    assert keys.faults == ()


def test_two_keys_of_one_kid_are_kept(mint) -> None:
    assert len(parse_jwks(mint.key_set(["rsa", {"key": "stranger", "kid": "rsa"}])).keys) == 2


@pytest.mark.parametrize(
    "members",
    [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"key_ops": "verify"}, {"alg": "RSA-OAEP"}],
)
def test_a_key_for_encryption_is_passed_over_in_silence(mint, members) -> None:
    keys = parse_jwks(mint.key_set([{"key": "rsa", **members}, "ec256"]))
    assert [k.key_id for k in keys.keys] == ["ec256"]
    assert keys.faults == ()


def test_a_set_of_encryption_keys_alone_says_so(mint) -> None:
    keys = parse_jwks(mint.key_set([{"key": "rsa", "use": "enc"}]))
    assert keys.faults == ("the key set holds no key for signatures",)


def test_a_key_that_says_verify_is_kept(mint) -> None:
    keys = parse_jwks(mint.key_set([{"key": "rsa", "use": "sig", "key_ops": ["sign", "verify"]}]))
    assert len(keys.keys) == 1


@pytest.mark.parametrize("kid", [5, "", "a" * 257, "a\nb"])
def test_a_kid_that_could_not_be_shown_is_refused(mint, kid) -> None:
    keys = parse_jwks(mint.key_set([{"key": "rsa", "kid": kid}]))
    assert keys.faults == ("key 1: its kid is not printable text of at most 256 characters",)


def test_an_alg_of_another_type_is_a_fault(mint) -> None:
    keys = parse_jwks(mint.key_set([{"key": "rsa", "alg": "ES256"}]))
    assert keys.faults == ("key 1: its alg does not fit its type",)


def test_a_huge_modulus_is_refused(mint) -> None:
    keys = parse_jwks(mint.key_set([{"key": "rsa", "n": "_" * 2732}]))
    assert keys.faults == ("key 1: RSA with 16392 bits; at most 8192",)


@pytest.mark.parametrize(("length", "fault"), [(3, 24), (64, 512), (127, 1016)])
def test_a_modulus_that_was_factored_vouches_for_nothing(mint, length, fault) -> None:
    modulus = base64.urlsafe_b64encode(b"\xff" * length).decode().rstrip("=")
    keys = parse_jwks(mint.key_set([{"key": "rsa", "n": modulus}]))
    assert keys.faults == (f"key 1: RSA with {fault} bits; at least 1024",)


@pytest.mark.parametrize("exponent", ["AQ", "BA", "_________________w"])
def test_a_strange_exponent_is_refused(mint, exponent) -> None:
    keys = parse_jwks(mint.key_set([{"key": "rsa", "e": exponent}]))
    assert keys.faults == ("key 1: its exponent is not an odd number from 3 to 64 bits",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the key set is not JSON"),
        ("<html>", "the key set is not JSON"),
        ("[]", "the key set is not an object with the list keys"),
        ("{}", "the key set is not an object with the list keys"),
        ('{"keys": {}}', "the key set is not an object with the list keys"),
        ('{"keys": []}', "the key set holds no key for signatures"),
        ('{"keys": [], "keys": []}', "the key set names a member twice"),
        (" " * (MAX_BYTES + 1), "the key set is larger than 256 KiB"),
        ('{"keys": [' + ",".join(["5"] * 101) + "]}", "the key set has more than 100 keys"),
        ("\ud800", "the key set is not JSON"),
    ],
)
def test_text_that_is_no_key_set_is_a_fault(text, fault) -> None:
    assert parse_jwks(text).faults == (fault,)


def test_one_key_alone_is_a_set_of_one(mint) -> None:
    assert [k.key_id for k in parse_jwks(json.dumps(mint.jwk("rsa"))).keys] == ["rsa"]


def read(mint, usable, keys, **row):
    text = Sealed(mint.token(row))
    return read_token(text, usable(keys=keys), fingerprint_key=b"key").signature


@pytest.mark.parametrize("name", ["rsa", "ec256", "ec384", "ec521", "ed25519", "ed448"])
def test_a_public_key_in_pem_verifies(mint, usable, name) -> None:
    keys = parse_jwks(mint.pem(name))
    assert keys.faults == ()
    assert read(mint, usable, keys, key=name).state is SignatureState.VERIFIED


def test_two_pem_blocks_are_two_keys(mint, usable) -> None:
    keys = parse_jwks(mint.pem("stranger") + "\n" + mint.pem("rsa"))
    assert read(mint, usable, keys).state is SignatureState.VERIFIED


def test_the_key_of_a_certificate_verifies(mint, usable) -> None:
    key = mint.private["rsa"]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    keys = parse_jwks(certificate.public_bytes(serialization.Encoding.PEM).decode())
    assert read(mint, usable, keys).state is SignatureState.VERIFIED


def pem(key) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


PEM_FAULTS = [
    (
        "a private key",
        lambda: (
            rsa.generate_private_key(65537, 2048)
            .private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            .decode()
        ),
        "key 1: private key; rotate it",
    ),
    (
        "something else",
        lambda: "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----",
        "key 1: is neither a public key nor a certificate",
    ),
    (
        "garbage",
        lambda: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        "key 1: cannot be parsed",
    ),
    (
        "a key for another use",
        lambda: pem(dsa.generate_private_key(2048)),
        "key 1: its type verifies no token",
    ),
    (
        "a key for exchanges",
        lambda: pem(x25519.X25519PrivateKey.generate()),
        "key 1: its type verifies no token",
    ),
    (
        "a block that never ends",
        lambda: "-----BEGIN PUBLIC KEY-----\nAAAA",
        "the key set holds no key for signatures",
    ),
    (
        "an unusual curve",
        lambda: pem(ec.generate_private_key(ec.SECP256K1())),
        "key 1: its type or curve verifies no token",
    ),
]


@pytest.mark.parametrize(
    ("text", "fault"), [row[1:] for row in PEM_FAULTS], ids=[row[0] for row in PEM_FAULTS]
)
def test_pem_that_cannot_verify_is_named(text, fault) -> None:
    assert parse_jwks(text()).faults == (fault,)


def test_more_than_a_hundred_pem_blocks_are_too_many(mint) -> None:
    assert parse_jwks(mint.pem("ec256") * 101).faults == ("the key set has more than 100 keys",)


def test_a_key_that_the_library_cannot_use_is_no_verdict(mint, usable) -> None:
    """A point beside its curve is a key by its form."""
    beside = {"key": "ec256", "y": mint.jwk("ec256")["x"]}
    keys = parse_jwks(mint.key_set([beside]))
    assert read(mint, usable, keys, key="ec256").state is SignatureState.KEY_UNUSABLE


@pytest.mark.parametrize(("cut", "state"), [(0, "VERIFIED"), (1, "INVALID")])
def test_a_signature_without_the_zero_before_it_is_none(mint, usable, cut, state) -> None:
    """OpenSSL takes an RSA-PSS signature that is too short. Source: RFC 8017 section 8.1.2."""
    keys = parse_jwks(mint.key_set(["weak"]))
    covered = mint.token({"key": "weak", "header": {"alg": "PS256"}}).rpartition(b".")[0]
    signature = b"1"
    while signature[0]:
        signature = mint.signature("weak", "PS256", covered)
    token = covered + b"." + base64.urlsafe_b64encode(signature[cut:]).rstrip(b"=")
    facts = read_token(Sealed(token), usable(keys=keys), fingerprint_key=b"key")
    assert facts.signature.state is SignatureState[state]


@given(
    st.text(max_size=300)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)
)
def test_parsing_is_total(text) -> None:
    keys = parse_jwks(text)
    assert keys.keys or keys.faults


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "n", "e", "x", "y", "kid", "use", "alg", "key_ops"]),
        st.sampled_from(
            [
                "RSA",
                "EC",
                "OKP",
                "P-256",
                "Ed25519",
                "AQAB",
                "sig",
                "RS256",
                "",
                5,
                None,
                ["verify"],
            ]
        ),
    )
)
def test_parsing_one_key_is_total(key) -> None:
    keys = parse_jwks(json.dumps({"keys": [key]}))
    assert keys.keys or keys.faults
