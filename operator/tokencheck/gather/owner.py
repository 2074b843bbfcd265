"""Who is told about a check: the annotation tokencheck.dev/owner, nearest first."""

from tokencheck.api.tokencheck import ANNOTATION_OWNER, NAMESPACE_OWNER, TokenCheck
from tokencheck.gather.sources import Sources
from tokencheck.model.assessment import Assessment
from tokencheck.model.evidence import Held, Unread


async def owner_of(check: TokenCheck, assessment: Assessment, sources: Sources) -> str:
    """Return the owner, the nearest annotation first; "" when there is none."""
    if check.owner:
        return check.owner
    for token in assessment.tokens:
        holding = token.evidence.holding
        if isinstance(holding, Held) and (name := holding.secret.annotations.get(ANNOTATION_OWNER)):
            return name
    labels = await sources.inventory.namespace_labels(check.namespace)
    return "" if isinstance(labels, Unread) else labels.get(NAMESPACE_OWNER, "")
