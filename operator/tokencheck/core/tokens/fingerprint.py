"""Telling tokens apart without keeping them."""

import hashlib
import hmac

from tokencheck.model.reveal import reveal
from tokencheck.model.sealed import Sealed


def fingerprint(sealed: Sealed, key: bytes, about: str = "") -> bytes:
    """Return the HMAC-SHA256 of the sealed bytes under `key`; it stays inside this process.

    White space counts: a Secret whose trailing newline was taken off has changed.

    Args:
        sealed: the value as the Secret holds it.
        key: the key of this installation; without it a list of likely tokens could be tried against
            the result.
        about: what else decides how the value is read, such as the name of its key.
    """
    if not about:
        return hmac.digest(key, reveal(sealed), "sha256")
    mark = hmac.new(key, f"{len(about)}:{about}".encode("utf-8", "surrogatepass"), "sha256")
    mark.update(reveal(sealed))
    return mark.digest()


def portion(sealed: Sealed) -> float:
    """Return a number from 0 to 1 that is the token's own, the same in every process.

    One of 256, so that no list of likely tokens can be tried against it. It needs no key then.
    """
    return hashlib.sha256(reveal(sealed)).digest()[0] / 255
