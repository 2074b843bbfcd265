"""Public keys as values: JSON Web Keys that were parsed and filtered, not yet built."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Jwk:
    """One usable public key of a set; `text` is its canonical JSON. Source: RFC 7517 section 4."""

    text: str
    key_type: str
    key_id: str | None = None
    algorithm: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """The usable public keys of a JSON Web Key Set.

    `faults` says in our words why others were left out; `exposed` counts those among them with
    which whoever reads the set can sign.
    """

    keys: tuple[Jwk, ...] = ()
    faults: tuple[str, ...] = ()
    exposed: int = 0
