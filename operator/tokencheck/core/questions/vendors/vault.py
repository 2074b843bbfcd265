"""HashiCorp Vault and OpenBao: service and batch tokens, looked up by the operator's own token.

``lookup-self`` would use up one of the token's uses; ``lookup`` by another token uses none of it.
It also finds a token that is past its end, or has no use left, until its revocation is done. One
that it does not find may as well be of another Vault: `Answer.stranger`. Its policies are its
scopes. Source: the API documentation of both, "Token auth method", "Lookup a
token"; their own vault/token_store.go (handleLookup) and vault/request_handling.go.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any

from tokencheck.api.quantity import parse_time
from tokencheck.core.questions.replies import Faulted
from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said, scopes_of
from tokencheck.model.activity import Answer
from tokencheck.model.facts import Claims
from tokencheck.model.reasons import Reason

POLICY = 'path "auth/token/lookup" { capabilities = ["update"] }'
_NO = ["bad token"]
# Vault says both of an own token that has ended. OpenBao says the first alone, as both do of one
# that is bound to other addresses; a policy that does not reach is the first of a list of errors.
_DENIED, _INVALID = "permission denied", "invalid token"


class Denial(Enum):
    """What is wrong with the operator's own token."""

    REFUSED = auto()  # whatever it asks
    UNREACHED = auto()  # its policy does not reach what it asked for


def _interpret(said: Said) -> Meaning:
    if said.status == 200:
        data = said.document.get("data")
        return _looked_up(data) if isinstance(data, dict) else None
    if said.status != 403:
        return None
    if said.document.get("errors") == _NO:
        return Answer(active=False, stranger=True)
    denial = denial_of(said.document)
    return None if denial is None else _own(denial)


def denial_of(document: Mapping[str, Any]) -> Denial | None:
    """Return what an answer with status 403 says of the operator's own token; None for nothing."""
    errors = document.get("errors")
    if not isinstance(errors, list):
        return None
    told = " ".join(one for one in errors if isinstance(one, str))
    if _DENIED not in told:
        return None
    return Denial.REFUSED if errors == [_DENIED] or _INVALID in told else Denial.UNREACHED


def _looked_up(data: Mapping[str, Any]) -> Meaning:
    uses, ttl = (_whole(data.get(name)) for name in ("num_uses", "ttl"))
    if uses is None or ttl is None:
        return None
    if uses < 0 or ttl < 0:  # used up or past its end, and not yet gone
        return Answer(active=False)
    end = parse_time(data.get("expire_time"))
    claims = Claims(
        scopes=_policies(data),
        expires_at=end,
        endless=_endless(data),
        issued_at=_time(data.get("creation_time")),
        renewed_at=_time(data.get("last_renewal_time")),
    )
    return Answer(active=True, claims=claims, until=end if data.get("renewable") is True else None)


def _endless(data: Mapping[str, Any]) -> bool:
    """Return whether it was made without an end.

    OpenBao names no end either of a token of another namespace that is looked up in one, whatever
    it has: its lease is not there.
    """
    return data.get("expire_time", "") is None and _whole(data.get("creation_ttl")) == 0


def _policies(data: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the token's own and those of its identity; null is none of them."""
    found: list[str] = []
    for name in ("policies", "identity_policies"):
        items = data.get(name) or []
        if not isinstance(items, list):
            return None
        found.extend(items)
    return scopes_of(found) if "policies" in data else None


def _own(denial: Denial) -> Faulted:
    """Return what is wrong with the operator's own token.

    One whose policy does not reach may look up others: a token of another namespace is asked for
    there.
    """
    own = "the operator's own token"
    match denial:
        case Denial.REFUSED:
            why = f"does not accept {own} (HTTP 403; it has ended, or is bound to other addresses)"
            mend = "renew the one"
        case Denial.UNREACHED:  # pragma: no branch - mypy proves it the last
            why = f"does not let {own} look this one up (HTTP 403)"
            mend = f"give {POLICY} to the one"
    return Faulted(
        reason=Reason.INTROSPECTION_UNAUTHORIZED,
        detail=f"Vault {why}: {mend} in the Secret of vendor.credentialsRef",
        of_token=denial is Denial.UNREACHED,
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(value: object) -> datetime | None:
    seconds = _whole(value)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (ValueError, OverflowError, OSError):
        return None


VAULT = Rules(
    path="/auth/token/lookup",
    interpret=_interpret,
    header="X-Vault-Token",
    scheme="",
    member="token",
)
