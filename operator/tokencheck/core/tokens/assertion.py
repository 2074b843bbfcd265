"""The operator's own proof to a provider that it is a client: a JWT that its private key signs.

It is good for one minute, for one server, and once. Source: RFC 7523 sections 2.2 and 3; OpenID
Connect Core 1.0 section 9 (private_key_jwt); draft-ietf-oauth-rfc7523bis section 4 (one audience
alone, and a type that tells it from other JWTs of the same key).
"""

from datetime import datetime, timedelta

from tokencheck.model.reveal import reveal
from tokencheck.model.sealed import Sealed

GOOD_FOR = timedelta(minutes=1)
RSA_MIN_BITS = 2048
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


def assertion_of(
    client_id: Sealed,
    private_key: Sealed,
    *,
    key_id: Sealed | None,
    audience: str,
    kind: str,
    now: datetime,
    unique: str,
) -> Sealed | None:
    """Return the signed assertion; None when there is no key that can sign. Total.

    Args:
        private_key: PEM without a password: RSA of 2048 bits or more (RS256), EC on P-256, P-384 or
            P-521 (ES256, ES384, ES512), Ed25519 (EdDSA).
        key_id: by which the provider finds the public key, where it needs that.
        audience: who the assertion is for.
        kind: typ of its header.
        now: aware UTC.
        unique: never used before, so that nobody can use the assertion again.
    """
    import jwt  # here: few providers are asked in this way

    try:
        name = reveal(client_id).decode()
        key = _loaded(reveal(private_key))
        algorithm = _algorithm(key)
        if algorithm is None:
            return None
        claims = {
            "iss": name,
            "sub": name,
            "aud": audience,
            "jti": unique,
            "iat": int(now.timestamp()),
            "exp": int((now + GOOD_FOR).timestamp()),
        }
        headers = {"typ": kind}
        if key_id is not None:
            headers["kid"] = reveal(key_id).decode()
        signed = jwt.encode(claims, key, algorithm, headers)  # type: ignore[arg-type]  # known above
        return Sealed(signed.encode())
    except Exception:  # noqa: BLE001 - parsers of foreign keys raise many classes; their text is never shown
        return None


def _loaded(pem: bytes) -> object:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    # To prove the numbers of an RSA key takes a quarter of a second and more, in which all else
    # waits. It is the operator's own; one with wrong numbers signs what the provider refuses.
    return load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)


def _algorithm(key: object) -> str | None:
    """Return what a key of its type signs with; None when it cannot, or is too weak."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256" if key.key_size >= RSA_MIN_BITS else None
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _CURVES.get(key.curve.name)
    return "EdDSA" if isinstance(key, ed25519.Ed25519PrivateKey) else None
