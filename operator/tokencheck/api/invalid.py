"""What is wrong with a spec, as a value: parsing never raises on what a user can write."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalid:
    """One fault of a spec.

    Args:
        field: path of the field, such as ``spec.tokens[0].expiry.warnBefore``.
        message: what to write instead; no user value but the offending quantity itself.
    """

    field: str
    message: str

    def __str__(self) -> str:
        """Return ``field: message``."""
        return f"{self.field}: {self.message}"
