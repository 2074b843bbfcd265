"""What has to be known of a vendor to ask it about a token, and to read what it says.

A vendor's answer is yes, no, or nothing: whatever is not in its table says nothing of the token.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tokencheck.api.vendor import Vendor
from tokencheck.core.questions.replies import Faulted, fault_of
from tokencheck.model.activity import Answer
from tokencheck.model.asking import Credential, Destination, Form, NoReply, Question, Reply
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed

MAX_BYTES = 64 * 1024
MAX_SCOPES = 200
MAX_SCOPE = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer in JSON that is neither 429 nor a fault of the server.

    Args:
        headers: those that the rules want and that came, names in lower case.
    """

    status: int
    document: Mapping[str, Any]
    headers: Mapping[str, str]


Meaning: TypeAlias = Answer | Faulted | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One vendor.

    Args:
        path: of a GET that changes nothing, uses nothing up, and that every token of the kind may
            make; an answer to somebody who showed no token is told from all others.
        header, scheme: where the token stands; with `member`, the operator's own.
        member: of the JSON object that is posted instead, in which the token stands: its vendor
            answers the operator about it.
        wants: headers of the answer that are read, in lower case.
        interpret: what an answer means; None when it says nothing of the token.
        implies: scopes that include others, as the vendor's documentation has it; an admin's
            spec.scopes.implies goes before.
    """

    path: str
    interpret: Callable[[Said], Meaning]
    header: str = "Authorization"
    scheme: str = "Bearer"
    member: str = ""
    wants: tuple[str, ...] = ()
    implies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def question(
    rules: Rules,
    vendor: Vendor,
    destination: Destination,
    token: Sealed,
    own: Sealed | None = None,
) -> Question:
    """Return the request that shows `token` to its vendor, in one place and nowhere else.

    Args:
        own: the operator's token, of a vendor that answers the operator; `token` is then posted.
    """
    return Question(
        destination=destination,
        url=vendor.at(rules.path),
        credential=Credential(value=own or token, header=rules.header, scheme=rules.scheme),
        form=Form(fields=((rules.member, token),), json=True) if own else None,
        wants=rules.wants,
        max_bytes=MAX_BYTES,
    )


def meaning_of(
    rules: Rules, vendor: str, reply: Reply | NoReply, document: object
) -> Answer | Faulted:
    """Return what the vendor said of the token. Total, whatever came.

    Args:
        vendor: its name, for people.
        document: the body, read strictly as JSON; anything but an object says nothing.
    """
    if isinstance(reply, Reply) and reply.status != 429 and reply.status < 500:
        if isinstance(document, dict):
            said = Said(status=reply.status, document=document, headers=reply.headers)
            meaning = rules.interpret(said)
            if meaning is not None:
                return meaning
        if reply.status >= 400:
            detail = f"{vendor} refuses the question (HTTP {reply.status}) and not the token"
            return Faulted(reason=Reason.UNEXPECTED_ANSWER, detail=detail, of_token=True)
    return fault_of(reply) or Faulted(
        reason=Reason.UNEXPECTED_ANSWER,
        detail=f"the answer is none of those that {vendor} gives",
        of_token=isinstance(document, dict),
    )


def scopes_of(items: object) -> tuple[str, ...] | None:
    """Return granted scopes, sorted; None when they cannot be read: empty is not absent."""
    if not isinstance(items, Iterable) or isinstance(items, str | bytes | Mapping):
        return None
    found = {item for item in items if isinstance(item, str)}
    if len(found) > MAX_SCOPES or any(not 0 < len(item) <= MAX_SCOPE for item in found):
        return None
    return tuple(sorted(found))


def listed(header: str | None) -> tuple[str, ...] | None:
    """Return the scopes of a header such as ``X-OAuth-Scopes: repo, user``; None without it."""
    if header is None:
        return None
    return scopes_of([item.strip() for item in header.split(",") if item.strip()])
