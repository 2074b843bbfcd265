"""What holds where a TokenProvider says nothing, or where there is none."""

from datetime import timedelta

DEFAULT_ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)
DEFAULT_TYPES = ("JWT", "at+jwt")
DEFAULT_CLOCK_SKEW = timedelta(seconds=60)
DEFAULT_SCOPE_CLAIMS = ("scope", "scp")
