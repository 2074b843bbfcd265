"""What a token may do on paths of Vault or OpenBao, asked by the operator's own token.

``sys/capabilities-self`` would use up one of the token's uses; ``sys/capabilities`` uses none of
it. One request is for all paths. Source: the API documentation of both, "/sys/capabilities"; their
own vault/capabilities.go.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tokencheck.api.vendor import Vendor
from tokencheck.core.questions.replies import fault_of
from tokencheck.core.questions.vendors.vault import Denial, denial_of
from tokencheck.model.activity import Capabilities
from tokencheck.model.asking import MAX_ANSWER_BYTES, NoReply, Question, Reply

MAX_PATHS = 128  # of one token: an answer names each twice, and has 256 KiB at most
POLICY = 'path "sys/capabilities" { capabilities = ["update"] }'
_PATH = "/sys/capabilities"
_AGAIN = "it is asked again by itself"
_ADD = (
    f"have an admin add {POLICY} to the policy of the token in the Secret of vendor.credentialsRef"
)


def question(asked: Question, vendor: Vendor, paths: tuple[str, ...]) -> Question:
    """Return the request about the token of another one, which is posted by whom that is."""
    assert asked.form is not None  # noqa: S101 - a token is looked up by one form
    form = replace(asked.form, lists=(("paths", paths),))
    return replace(asked, url=vendor.at(_PATH), form=form, max_bytes=MAX_ANSWER_BYTES)


def meaning_of(reply: Reply | NoReply, document: object, paths: tuple[str, ...]) -> Capabilities:
    """Return what the token may do on these paths, or why that is not known. Total.

    Args:
        document: the body, read strictly as JSON.
    """
    if isinstance(reply, Reply) and reply.status == 200 and isinstance(document, dict):
        data = document.get("data")
        if isinstance(data, dict):
            return Capabilities(on={path: _words(data, path) for path in paths})
    why, action = _fault(reply, document)
    return Capabilities(on=dict.fromkeys(paths), why=why, action=action)


def _words(data: Mapping[str, Any], path: str) -> frozenset[str] | None:
    """Return the capabilities on a path; who has none is denied, so an empty list tells nothing."""
    items = data.get(path)
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        return None
    return frozenset(items) or None


def _fault(reply: Reply | NoReply, document: object) -> tuple[str, str]:
    """Return why nothing was told, and what mends that."""
    status = reply.status if isinstance(reply, Reply) else 0
    denial = denial_of(document) if status == 403 and isinstance(document, dict) else None
    if denial is Denial.UNREACHED:
        return "the policy of the operator's own token does not let it ask", _ADD
    if denial is Denial.REFUSED:
        return "Vault does not accept the operator's own token any more", _AGAIN
    if 400 <= status < 500 and status != 429:
        return f"Vault refuses the question (HTTP {status})", _AGAIN
    fault = fault_of(reply)
    return fault.detail if fault else "the answer is none of those that Vault gives", _AGAIN
