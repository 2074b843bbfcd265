"""What a token may do on paths, as Vault said of each scope that the spec names."""

from dataclasses import replace

from tokencheck.core.questions.vendors.capabilities import MAX_PATHS
from tokencheck.core.rights.capability import Capability, capability_of, has
from tokencheck.model.activity import ActivityState, Answer, Capabilities
from tokencheck.model.evidence import Permissions, TokenEvidence

_NOT_YET = f"it was not asked yet, or about {MAX_PATHS} other paths of this token"


def with_capabilities(token: TokenEvidence) -> TokenEvidence:
    """Return the evidence with what the last answer said, where that counts.

    Only scopes that are required or forbidden are asked about; what is allowed is read for its form
    alone.
    """
    answer = _answer(token)
    if answer is None:
        return token
    wanted, told = token.spec.scopes, answer.capabilities
    named = _asked(token, (*wanted.required, *wanted.forbidden))
    formless = [one for one, found in _asked(token, wanted.allowed).items() if found is None]
    if not named and not formless:
        return token
    left_out = any(one is not None and one.path not in told.on for one in named.values())
    found = Permissions(
        said={scope: _has(told, one) for scope, one in named.items()},
        formless=(*(one for one, found in named.items() if found is None), *formless),
        why=told.why or (_NOT_YET if left_out else ""),
        action=told.action,
    )
    return replace(token, permissions=found)


def _asked(token: TokenEvidence, scopes: tuple[str, ...]) -> dict[str, Capability | None]:
    """Return the scopes that are no names of policies, each with what it allows."""
    return {one: capability_of(one) for one in scopes if token.trust.asks_about(one)}


def _has(told: Capabilities, capability: Capability | None) -> bool | None:
    return has(told.on.get(capability.path), capability) if capability is not None else None


def _answer(token: TokenEvidence) -> Answer | None:
    activity = token.activity
    if activity is None or activity.state is not ActivityState.KNOWN or activity.answer is None:
        return None
    return activity.answer if activity.answer.active else None
