"""An audit runs with its caller's rights: what the checks say of the operator is said of him."""

from dataclasses import replace

from tokencheck.model.evidence import Denied, Failed, TokenEvidence
from tokencheck.model.finding import Finding
from tokencheck.model.reasons import Reason

_ASK = "ask for the right to read it (kubectl auth can-i --list shows yours), then audit again"
_AGAIN = "audit again; if this lasts, look at the API server"


def worded(finding: Finding, evidence: TokenEvidence | None) -> Finding:
    """Return the finding in the words of an audit; its result and reason stay."""
    holding = evidence.holding if evidence else None
    if finding.reason is Reason.ACCESS_DENIED:
        what = holding.what if isinstance(holding, Denied) else _subject(finding)
        return replace(finding, message=f"{what}: you may not read it", action=_ASK)
    if finding.reason is Reason.READ_FAILED and isinstance(holding, Failed):
        return replace(finding, message=f"{holding.what} could not be read", action=_AGAIN)
    return finding


def _subject(finding: Finding) -> str:
    return finding.message.rpartition(": ")[0] or "the workload"
