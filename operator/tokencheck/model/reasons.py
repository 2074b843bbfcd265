"""Reasons: one closed list, API for conditions, metric labels and report rules.

Adding one is a line in the changelog; changing the meaning of one is not possible.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a finding, condition or verdict is as it is; `sentence` says it in words."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> "Reason":
        """Make a member whose value is its CamelCase name in the API."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    # All is well, or not known yet
    VALID = "Valid", "The check ran and the token meets the expectation."
    ALL_CHECKS_PASSED = "AllChecksPassed", "Every check ran and passed."
    PASSED_WITH_WARNINGS = "PassedWithWarnings", "No check failed; at least one warns."
    PENDING = "Pending", "Not checked yet."
    ADVISORY = "Advisory", "The gate is advisory or disabled; status.verdict tells the truth."
    BYPASSED = "Bypassed", "The gate is open by break-glass; status.verdict tells the truth."
    BYPASS_ENDED = "BypassEnded", "The gate was open by break-glass, and is not any more."
    BYPASS_REFUSED = "BypassRefused", "The break-glass annotations have no effect."
    SUSPENDED = "Suspended", "Checks are stopped by spec.suspend."
    IGNORED = "Ignored", "The policy says to ignore what this check finds."
    STATUS_REJECTED = "StatusRejected", "The API server does not take the status: a bug of ours."
    INVALID_SPEC = "InvalidSpec", "The spec contradicts itself or asks for what cannot be."

    # Finding the token
    NO_TOKENS_FOUND = "NoTokensFound", "The workload mounts no token that could be recognised."
    SECRET_NOT_FOUND = "SecretNotFound", "The Secret does not exist."
    SECRET_KEY_NOT_FOUND = (
        "SecretKeyNotFound",
        "The Secret exists and lacks the key, or the document in it lacks the field.",
    )
    TOKEN_MISSING = "TokenMissing", "The key holds no text."
    ACCESS_REVOKED = (
        "AccessRevoked",
        "Who asked for the check has lost a right that it needs; nothing is read for it any more.",
    )
    ACCESS_DENIED = "AccessDenied", "The operator may not read what the check needs."
    READ_FAILED = "ReadFailed", "The API server did not answer a read; it will be tried again."
    NOT_READABLE = (
        "NotReadable",
        "The token stands where no Secret can be read (CSI, injected file).",
    )
    NOT_MOUNTED = "NotMounted", "The workload mounts no such token."
    INSECURE_SOURCE = "InsecureSource", "The token stands where everybody may read it."

    # Shape
    MALFORMED_TOKEN = "MalformedToken", "The text cannot be parsed as what it claims to be."
    TRAILING_WHITESPACE = "TrailingWhitespace", "White space stands before or after the token."
    CLAIM_INVALID = "ClaimInvalid", "A registered claim has a form that RFC 7519 does not allow."
    WRONG_TOKEN_TYPE = (
        "WrongTokenType",
        "The token is of another type than a workload should present.",
    )
    NOT_VERIFIABLE = "NotVerifiable", "Nothing at hand can tell whether the expectation holds."
    LOCAL_CHECKS_ONLY = (
        "LocalChecksOnly",
        "No provider and no keys vouch for the token: only its shape and dates were checked.",
    )

    # Who vouches
    PROVIDER_NOT_USABLE = (
        "ProviderNotUsable",
        "The TokenProvider does not exist or does not allow this namespace.",
    )
    KEYS_UNAVAILABLE = "KeysUnavailable", "The public keys could not be read or hold no usable key."
    SIGNATURE_INVALID = "SignatureInvalid", "A known key refuses the signature."
    KEY_NOT_FOUND = "KeyNotFound", "No known key has the key id of the token."
    KEY_UNUSABLE = "KeyUnusable", "The key does not fit the algorithm."
    WEAK_KEY = "WeakKey", "The key is shorter than current practice allows."
    ALGORITHM_FORBIDDEN = (
        "AlgorithmForbidden",
        "The token is signed with an algorithm that is not allowed.",
    )
    ISSUER_MISMATCH = "IssuerMismatch", "The token is of another issuer."
    AUDIENCE_MISMATCH = "AudienceMismatch", "The token is for another audience."
    AUDIENCE_TOO_BROAD = "AudienceTooBroad", "The token is for more audiences than expected."
    SUBJECT_MISMATCH = "SubjectMismatch", "The token is for another subject."

    # Asking a provider
    NOT_ASKED = "NotAsked", "The provider was not asked: a rule of ours or a pause forbids it now."
    DNS_FAILED = "DNSFailed", "The name of the provider's server could not be resolved."
    ADDRESS_FORBIDDEN = (
        "AddressForbidden",
        "The name leads to an address that may not be asked.",
    )
    UNREACHABLE = "Unreachable", "The provider's server does not answer, or the connection broke."
    TLS_FAILED = "TLSFailed", "The provider's server could not prove who it is."
    TIMED_OUT = "TimedOut", "The provider's server did not answer in time."
    REDIRECT_REFUSED = "RedirectRefused", "The server sends us elsewhere, and we do not follow."
    ANSWER_TOO_LARGE = "AnswerTooLarge", "The provider's answer is larger than we take."
    UNEXPECTED_ANSWER = "UnexpectedAnswer", "The provider's answer is not what it should be."

    RATE_LIMITED = "RateLimited", "The provider says that it is asked too often."
    PROVIDER_UNAVAILABLE = "ProviderUnavailable", "The provider answers that it cannot answer now."
    DISCOVERY_MISMATCH = (
        "DiscoveryMismatch",
        "The discovery document is of another issuer, or names keys on a host that is not listed.",
    )
    KEYS_PENDING = "KeysPending", "The provider is being asked for its keys."
    KEYS_STALE = "KeysStale", "The keys were read too long ago to be trusted, and none are newer."
    INTROSPECTION_UNAUTHORIZED = (
        "IntrospectionUnauthorized",
        "The provider does not accept the operator's own client: that says nothing of the token.",
    )
    ACTIVITY_PENDING = "ActivityPending", "The provider is being asked whether the token lives."
    PROVIDER_REACHED = "ProviderReached", "The provider answers."

    # Life
    REVOKED = "Revoked", "The provider says that the token was revoked."
    INACTIVE = (
        "Inactive",
        "The provider does not accept the token: revoked, expired, or not for this client.",
    )

    # Time
    TOKEN_EXPIRED = "TokenExpired", "The token's end has passed."
    EXPIRING_SOON = "ExpiringSoon", "The token ends within the time that the spec names."
    NOT_YET_VALID = "NotYetValid", "The token is not valid yet."
    ISSUED_IN_FUTURE = (
        "IssuedInFuture",
        "The token says that it was issued in the future: a clock is wrong.",
    )
    NO_EXPIRY = "NoExpiry", "The token never ends, or its end cannot be read."
    LIFETIME_TOO_LONG = "LifetimeTooLong", "The token lives longer than the spec allows."
    ROTATION_OVERDUE = "RotationOverdue", "The token is older than the spec allows."

    # Rights
    SCOPE_MISSING = "ScopeMissing", "A required scope is not granted."
    SCOPE_FORBIDDEN = "ScopeForbidden", "A forbidden scope is granted."
    SCOPE_EXCESS = "ScopeExcess", "More is granted than required or allowed."
    SCOPE_UNKNOWN = "ScopeUnknown", "The granted scopes cannot be learnt from the token."

    # Change
    DRIFTED = "Drifted", "The token differs from its baseline in more than its dates."
    STALE_IN_PODS = "StaleInPods", "Running Pods hold an older token than the Secret."

    # Rollouts
    ROLLOUT_VERIFIED = "RolloutVerified", "The rollout is complete and its tokens passed."
    ROLLOUT_IN_PROGRESS = "RolloutInProgress", "The workload's rollout is not complete."
    ROLLOUT_PAUSED = "RolloutPaused", "The workload's rollout is paused."
    SCALED_TO_ZERO = "ScaledToZero", "The workload has no Pods to verify."
    WAITING_FOR_MANUAL_UPDATE = (
        "WaitingForManualUpdate",
        "Pods take the new template only when they are replaced by hand.",
    )
    NO_ROLLOUT = "NoRollout", "The kind of workload has no rollout."
    ROLLOUT_FAILED = "RolloutFailed", "The rollout exceeded its deadline or failed."
    WORKLOAD_NOT_FOUND = "WorkloadNotFound", "The workload does not exist."

    # Many checks
    NO_WORKLOADS = "NoWorkloads", "No workload is selected, or none is left to be checked."
    CHECKS_FAIL = "ChecksFail", "At least one TokenCheck that was made finds invalid tokens."
    CHECKS_UNKNOWN = "ChecksUnknown", "At least one TokenCheck that was made is not judged."
    CHECKS_REFUSED = "ChecksRefused", "At least one TokenCheck could not be made or renewed."
