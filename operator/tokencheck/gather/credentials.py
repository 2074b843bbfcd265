"""The operator's own credentials at a provider, of a Secret in its own namespace."""

from tokencheck.core.questions.replies import Faulted
from tokencheck.core.tokens.presented import presented
from tokencheck.model.evidence import Absent, Denied, Failed, SecretContent, Unread
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed


def credentials_of(
    content: SecretContent | Unread, keys: tuple[str, ...], field: str
) -> tuple[Sealed, ...] | Faulted:
    """Return the values of the keys, in their order, or why there are none; nothing is asked then.

    Args:
        content: the Secret, as it was read for this question.
        field: of the TokenProvider's spec, by which the Secret is named.
    """
    where = f"the Secret of {field}"
    match content:
        case SecretContent(values=values):
            found = [presented(values[key]) for key in keys if key in values]
            texts = tuple(text for text in found if text is not None)
            if len(texts) == len(keys):
                return texts
            detail = f"{where} lacks {' or '.join(keys)}, or holds no text there"
            return Faulted(reason=Reason.SECRET_KEY_NOT_FOUND, detail=detail)
        case Absent():
            detail = f"{where} does not exist in the operator's namespace"
            return Faulted(reason=Reason.SECRET_NOT_FOUND, detail=detail)
        case Denied():
            detail = f"the operator may not read {where}: see providers.credentials of the chart"
            return Faulted(reason=Reason.ACCESS_DENIED, detail=detail)
        case Failed():  # pragma: no branch - mypy proves it the last
            detail = f"{where} could not be read"
            return Faulted(reason=Reason.READ_FAILED, detail=detail)
