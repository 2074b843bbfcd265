"""What the text of a token says about itself: no token text, only what may be judged."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tokencheck.model.reasons import Reason


class Family(StrEnum):
    """How a token is built, which decides what can be read from it."""

    JWT = "JWT"
    JWE = "JWE"
    MACAROON = "Macaroon"
    PASETO = "PASETO"
    VENDOR = "Vendor"  # recognised by prefix; opaque to us
    OPAQUE = "Opaque"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A fault of the text itself.

    Args:
        reason: MALFORMED_TOKEN, TRAILING_WHITESPACE, TOKEN_MISSING, CLAIM_INVALID …
        detail: what is wrong, in words of ours (``payload is not JSON``); never token text.
        action: the repair.
        fatal: False for what only warns (white space).
    """

    reason: Reason
    detail: str
    action: str = ""
    fatal: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Registered claims of a JWT, parsed by our own rules. None means absent.

    Args:
        scopes: granted scopes found under the scope claims, sorted; None when no such claim is
            there.
        endless: whoever issued it says that it has no end.
        renewed_at: when its end was last moved. How near the end is counts from there where it is a
            share; lifetime and age count from `issued_at` as ever.
        unbounded: exp lies more than 100 years ahead (milliseconds written as seconds?).
        kubernetes: whether the claim kubernetes.io is there (a service-account token).
        warn_after: kubernetes.io.warnafter, the real deadline of an extended token. Source:
            KEP-1205.
        invalid: claims with a form that RFC 7519 does not allow: (claim name, what is wrong).
    """

    issuer: str | None = None
    subject: str | None = None
    audiences: tuple[str, ...] | None = None
    issued_at: datetime | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None
    scopes: tuple[str, ...] | None = None
    endless: bool = False
    renewed_at: datetime | None = None
    unbounded: bool = False
    kubernetes: bool = False
    legacy_service_account: bool = False
    warn_after: datetime | None = None
    invalid: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What of a JOSE header is judged.

    Args:
        type: `typ` as written.
        forbidden: headers that API tokens may not have (``crit``, ``b64``, ``zip``).
        ignored: headers that name a key or its address (``jku``, ``jwk``, ``x5c``, ``x5u``);
            they are never followed.
    """

    algorithm: str
    type: str | None = None
    has_key_id: bool = False
    forbidden: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


class SignatureState(StrEnum):
    """What is known of a signature."""

    NOT_APPLICABLE = "NotApplicable"  # not a JWT
    NO_KEYS = "NoKeys"  # nobody vouches: local checks only
    VERIFIED = "Verified"
    INVALID = "Invalid"
    ALGORITHM_FORBIDDEN = "AlgorithmForbidden"
    KEY_NOT_FOUND = "KeyNotFound"
    KEY_UNUSABLE = "KeyUnusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Whether a known key vouches for the token; `weak_key` when that key is too short."""

    state: SignatureState
    detail: str = ""
    weak_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that may be known of one token's text.

    Args:
        kind: name shown to people: ``JWT``, ``ServiceAccountToken``, ``GitHub``, ``Opaque`` …
        problems: faults of the text; any fatal one ends what else can be read.
        terms: what a text that is no JWT says of its own use: what the caveats of a macaroon leave
            of it, when a password of ECR ends. A part that it does not tell is not known.
        digits: how many hexadecimal digits an opaque text is, and nothing else; 0 for any other.
        fingerprint: HMAC of the text under a key of this process; never leaves it.
    """

    kind: str
    family: Family
    problems: tuple[Problem, ...] = ()
    header: Header | None = None
    claims: Claims | None = None
    signature: Signature = Signature(state=SignatureState.NOT_APPLICABLE)
    terms: Claims | None = None
    digits: int = 0
    fingerprint: bytes = field(default=b"", repr=False)

    @property
    def readable(self) -> bool:
        """Return whether claims can be judged."""
        return self.claims is not None and not any(p.fatal for p in self.problems)
