"""The status of a TokenProvider: can checks use it, and with which keys?"""

import json
from datetime import datetime
from typing import Any

from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.core.outcome.condition import Condition, State, Type, render
from tokencheck.model.reasons import Reason
from tokencheck.model.trust import Trust, TrustState

MAX_KEYS = 32
_STATES = {
    TrustState.USABLE: (State.TRUE, Reason.VALID),
    TrustState.NONE: (State.TRUE, Reason.VALID),
    TrustState.KEYS_UNAVAILABLE: (State.FALSE, Reason.KEYS_UNAVAILABLE),
    TrustState.DENIED: (State.UNKNOWN, Reason.ACCESS_DENIED),
    TrustState.READ_FAILED: (State.UNKNOWN, Reason.READ_FAILED),
}


def plan_provider(provider: TokenProvider, trust: Trust, now: datetime) -> dict[str, Any]:
    """Return the whole status; equal to the stored one when nothing changed."""
    if provider.invalid:
        message = (
            "; ".join(str(fault) for fault in provider.invalid)
            + "; correct the spec and apply it again"
        )
        conditions = [
            Condition(type=kind, state=state, reason=Reason.INVALID_SPEC, message=message)
            for kind, state in ((Type.READY, State.FALSE), (Type.STALLED, State.TRUE))
        ]
    else:
        state, reason = _STATES.get(trust.state, (State.UNKNOWN, Reason.READ_FAILED))
        conditions = [
            Condition(type=Type.READY, state=state, reason=reason, message=_message(trust))
        ]
    status: dict[str, Any] = {
        "observedGeneration": provider.generation,
        "conditions": render(conditions, provider.status, generation=provider.generation, now=now),
    }
    if trust.keys.keys:
        status["keys"] = [
            _key(jwk.text, jwk.key_id, jwk.algorithm) for jwk in trust.keys.keys[:MAX_KEYS]
        ]
    return status


def _message(trust: Trust) -> str:
    faults = "; ".join(trust.keys.faults[:3])
    if trust.state is TrustState.USABLE:
        count = len(trust.keys.keys)
        return f"{count} usable key{'' if count == 1 else 's'}" + (
            f"; left out: {faults}" if faults else ""
        )
    if trust.state is TrustState.NONE:
        return "no JWT rules; scopes only"
    return trust.detail + (f": {faults}" if faults else "")


def _key(text: str, key_id: str | None, algorithm: str | None) -> dict[str, str]:
    shown = "".join(c if " " <= c <= "~" else "?" for c in (key_id or "")[:128])
    fields = {"kid": shown, "algorithm": algorithm or json.loads(text).get("kty", "")}
    return {name: value for name, value in fields.items() if value}
