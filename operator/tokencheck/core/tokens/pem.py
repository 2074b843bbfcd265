"""Public keys in PEM text, as JSON Web Keys: what many issuers hand out instead of a set."""

import re
from itertools import islice

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----[A-Za-z0-9+/=\s]*-----END \1-----")
_PUBLIC = ("PUBLIC KEY", "RSA PUBLIC KEY")


def is_pem(text: str) -> bool:
    """Return whether `text` holds PEM blocks."""
    return "-----BEGIN " in text


def jwks_of_pem(text: str, limit: int) -> list[object]:
    """Return a JSON Web Key, or why there is none, for each of the first `limit` blocks.

    Source: RFC 7468 sections 5 (certificates) and 13 (SubjectPublicKeyInfo). Dates and signatures
    of certificates are not looked at: whoever wrote them here vouches for their keys.
    """
    return [_jwk(match[1], match[0]) for match in islice(_BLOCK.finditer(text), limit)]


def _jwk(label: str, block: str) -> object:
    if "PRIVATE KEY" in label:
        return "private key; rotate it"
    # Here: only who keeps keys as PEM pays for the import.
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from cryptography.x509 import load_pem_x509_certificate
    from jwt.algorithms import get_default_algorithms

    try:
        if label == "CERTIFICATE":
            key: object = load_pem_x509_certificate(block.encode()).public_key()
        elif label in _PUBLIC:
            key = load_pem_public_key(block.encode())
        else:
            return "is neither a public key nor a certificate"
        for name in ("RS256", "ES256", "EdDSA"):
            algorithm = get_default_algorithms()[name]
            if isinstance(key, getattr(algorithm, "_crypto_key_types", ())):
                return algorithm.to_jwk(key, as_dict=True)
    except Exception:  # noqa: BLE001 - parsers of foreign data raise many classes; their text is never shown
        return "cannot be parsed"
    return "its type verifies no token"
