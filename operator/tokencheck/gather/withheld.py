"""What is said of a token that is shown to nobody, because anybody may have named its Secret."""

from tokencheck.model.activity import Activity, ActivityState
from tokencheck.model.admission import Enforcement
from tokencheck.model.reasons import Reason

_UNPROVEN = {
    Enforcement.ADMITTED: "is not enforced there (Admitted)",
    Enforcement.ALTERED: "is not as this version ships it (Altered)",
    Enforcement.UNGUARDED: "rests on another policy that is not as it ships (Unguarded)",
    Enforcement.UNKNOWN: "could not be tried there (Unknown)",
}


def unproven(provider: str, namespace: str, found: Enforcement | None) -> Activity:
    """Return that admission is not proven there; pending while nothing was tried yet."""
    if found is None:
        return Activity(provider=provider, state=ActivityState.PENDING)
    detail = f"no token is sent from namespace {namespace}: admission {_UNPROVEN[found]}"
    return _not_sent(provider, detail)


def unvouched(provider: str) -> Activity:
    """Return that no author of the TokenCheck was ever seen."""
    detail = (
        "the TokenCheck was written before the API server looked at who asks, so no token is sent"
        " for it; change its spec"
    )
    return _not_sent(provider, detail)


def _not_sent(provider: str, detail: str) -> Activity:
    state = ActivityState.NOT_SENT
    return Activity(provider=provider, state=state, reason=Reason.NOT_ASKED, detail=detail)
