"""The one door to sealed text; who may import it is a contract in pyproject.toml."""

from tokencheck.model.sealed import Sealed


def reveal(sealed: Sealed) -> bytes:
    """Return the bytes that `sealed` holds; the caller must let no copy outlive its function."""
    return sealed._value  # noqa: SLF001 - this module is the door
