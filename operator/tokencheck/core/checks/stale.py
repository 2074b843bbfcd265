"""StaleInPods: running Pods that keep an older value than the Secret holds.

What cannot be told is Skip, with the reason why: this check can at worst be made a failure by its
policy, and a doubt about Pods must not move Ready.
"""

from datetime import datetime

from tokencheck.api.tokencheck import Policy
from tokencheck.core.checks.reading import text_of, unjudged
from tokencheck.core.checks.words import by_policy, listed, passed, skipped, warned
from tokencheck.model.evidence import Projected, TokenEvidence
from tokencheck.model.finding import Check, Finding
from tokencheck.model.reasons import Reason

_CHECK = Check.STALE_IN_PODS
_RESTART = "restart the Pods; a volume without subPath follows the Secret by itself"


def check_stale(token: TokenEvidence, policy: Policy, _now: datetime) -> tuple[Finding, ...]:
    """Return whether every running Pod that took the token at its start has the present one."""
    stale = token.stale
    if not token.sites or isinstance(token.holding, Projected):
        return ()
    if text_of(token) is None:
        return unjudged(token, _CHECK)
    if not stale.applies:
        return (passed(token, _CHECK, "every site follows the Secret by itself"),)
    if stale.denied:
        detail, action = "the Pods may not be read", "let the operator list and watch Pods"
        return (skipped(token, _CHECK, Reason.ACCESS_DENIED, detail, action=action),)
    if not stale.names and not stale.certain:
        detail = "the Pods could not be read"
        return (skipped(token, _CHECK, Reason.READ_FAILED, detail),)
    if not stale.names:
        return (passed(token, _CHECK, "no running Pod holds an older value"),)
    count = f"{len(stale.names)} of {stale.total} Pods"
    if not stale.certain:
        detail = f"{count} may hold an older value: the Secret changed after they started"
        return (skipped(token, _CHECK, Reason.STALE_IN_PODS, detail, action=_RESTART),)
    detail = f"{count} hold an older value: {listed(stale.names)}"
    found = warned(token, _CHECK, Reason.STALE_IN_PODS, detail, action=_RESTART)
    return (by_policy(policy.stale_in_pods, found),)
