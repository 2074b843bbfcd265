"""The text of a token as its provider is shown it."""

from tokencheck.model.reveal import reveal
from tokencheck.model.sealed import Sealed


def presented(sealed: Sealed) -> Sealed | None:
    """Return the text without white space around it, sealed again; None when nothing is left."""
    trimmed = reveal(sealed).strip()
    return Sealed(trimmed) if trimmed else None
