"""Scopes of Vault: names of its policies, and capabilities on paths, asked about one by one.

It lists the policies of a token, so what these grant too many is known where the spec names any;
there is no list of all that they let it do.
"""

from tokencheck.api.tokencheck import Policy
from tokencheck.core.checks.permissions import unseen
from tokencheck.core.checks.words import listed, unknown
from tokencheck.model.evidence import Permissions, TokenEvidence
from tokencheck.model.finding import Check, Finding
from tokencheck.model.reasons import Reason

ROOT = "root"  # the policy of who may do everything
_FORM = (
    "write CAPABILITY:PATH, such as read:secret/data/payments: one of create, read, update, patch,"
    " delete, list, sudo, and a path below a mount, without a slash in front, * and +"
)
_AGAIN = "it is asked again by itself"


def named_policies(token: TokenEvidence) -> frozenset[str]:
    """Return the policies that the token must or may have, by the spec."""
    wanted = token.spec.scopes
    every = (*wanted.required, *wanted.allowed)
    return frozenset(one for one in every if not token.trust.asks_about(one))


def unsaid(token: TokenEvidence, found: Permissions) -> list[Finding]:
    """Return what Vault does not say of the scopes that it is asked about."""
    silent = [one for one, may in found.said.items() if may is None and one not in found.formless]
    findings = []
    if found.formless:
        detail = f"{listed(found.formless)} is no capability on a path of Vault"
        findings.append(_unknown(token, detail, _FORM))
    if silent:
        why = found.why or "its answer leaves them out"
        detail = f"Vault does not say whether it may {listed(silent)}: {why}"
        findings.append(_unknown(token, detail, found.action or _AGAIN))
    return findings


def check_unnamed(token: TokenEvidence, policy: Policy) -> Finding:
    """Return that what its policies grant beside is not known, for the spec names none of them."""
    why = "Vault is asked about these paths alone"
    action = "name the policies that it may have in allowed: any other is excess then"
    return unseen(token, policy.excess_scopes, why, action)


def _unknown(token: TokenEvidence, detail: str, action: str) -> Finding:
    return unknown(token, Check.SCOPES, Reason.SCOPE_UNKNOWN, detail, action=action)
