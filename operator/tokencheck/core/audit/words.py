"""What the checks say of the operator, said to who runs an audit: with his rights, or of files."""

from dataclasses import replace

from tokencheck.model.evidence import Denied, Failed, TokenEvidence
from tokencheck.model.finding import Finding
from tokencheck.model.reasons import Reason

_ASK = "ask for the right to read it (kubectl auth can-i --list shows yours), then audit again"
_ADD = "name its file with -f as well, or audit the cluster that has it"
_AGAIN = "audit again; if this lasts, look at the API server"


def worded(finding: Finding, evidence: TokenEvidence | None, *, files: bool = False) -> Finding:
    """Return the finding in the words of an audit; its result stays.

    Args:
        finding: as the checks say it.
        evidence: of its token; None when it is about the workload.
        files: whether manifests are audited: what they lack may exist in a cluster.
    """
    holding = evidence.holding if evidence else None
    if finding.reason is Reason.ACCESS_DENIED:
        what = holding.what if isinstance(holding, Denied) else _subject(finding)
        return replace(finding, message=f"{what}: you may not read it", action=_ASK)
    if finding.reason is Reason.READ_FAILED and isinstance(holding, Failed):
        if files:
            message = f"{holding.what} is not among the files"
            return replace(finding, reason=Reason.SECRET_NOT_FOUND, message=message, action=_ADD)
        return replace(finding, message=f"{holding.what} could not be read", action=_AGAIN)
    return finding


def _subject(finding: Finding) -> str:
    return finding.message.rpartition(": ")[0] or "the workload"
