"""A registry's token server: whether it lets a user in, and what he may do in one repository.

Token servers answer anybody, some with a token that is good for nothing: 200 is no yes, and a proxy
that takes the password away makes every answer one to nobody. So each question is asked to nobody's
name first, and only a difference says something of the login:

* yes: a token where nobody gets any, one for somebody where nobody's names no one, or one that lets
  its bearer do what nobody may;
* no: the 401 of a login that failed, where nobody hears something else; and a 403 to who asks for
  nothing but to be let in, where nobody gets a token.

A token that is given is read as data, never used, and forgotten: its end is not the login's.
Source: CNCF Distribution, "Token Authentication Specification" and "Token Authentication
Implementation" (sub is empty if the client did not authenticate; 401 says that the credentials are
invalid; access that is not granted is no error).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias
from urllib.parse import quote

from tokencheck.api.registry import Scope
from tokencheck.api.vendor import Vendor
from tokencheck.core.questions.replies import Faulted, fault_of
from tokencheck.core.questions.vendors.rules import MAX_BYTES, scopes_of
from tokencheck.model.activity import Answer
from tokencheck.model.asking import Destination, NoReply, Question, Reply
from tokencheck.model.facts import Claims
from tokencheck.model.reasons import Reason

IMPLIES: Mapping[str, tuple[str, ...]] = {"*": ("delete", "pull", "push")}
CHALLENGE = "www-authenticate"
_MAX_CODE = 64
_DENIED = "revoked, expired, mistyped, or without any right there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A token, of which this is kept.

    Args:
        subject: whom it is for; "" for nobody, or where it does not tell.
        actions: what it lets its bearer do in the repository; None where that cannot be read.
    """

    subject: str = ""
    actions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """No token.

    Args:
        code: the registry's word for why; "" for none.
        spoken: whether it is a token server that says so, and not a proxy's page.
    """

    status: int
    code: str
    spoken: bool


Heard: TypeAlias = Given | Refused


def question(vendor: Vendor, destination: Destination, scope: Scope | None) -> Question:
    """Return the request for a token; without a scope it is that of ``docker login``.

    It names no account: some servers would make that the token's subject, whoever asks.
    """
    registry, server = vendor.registry, vendor.server
    assert registry is not None and server is not None  # noqa: S101, PT018 - of type Registry
    assert registry.service is not None  # noqa: S101 - it has a token server
    asked = {"service": registry.service} | ({"scope": str(scope)} if scope else {})
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())
    return Question(
        destination=destination,
        url=replace(server, query=query),
        wants=(CHALLENGE,),
        max_bytes=MAX_BYTES,
    )


def token_in(document: object) -> str:
    """Return the token of an answer, which whoever calls lets go of; "" where there is none."""
    members = document if isinstance(document, dict) else {}
    found = (members.get(name) for name in ("token", "access_token"))
    return next((text for text in found if isinstance(text, str) and text), "")


def given(payload: Mapping[str, object] | None, scope: Scope | None) -> Given:
    """Return what is kept of a token.

    Args:
        payload: its claims; None where it is no JWT: to its clients it is an opaque text.
    """
    if payload is None:
        return Given()
    subject = payload.get("sub")
    actions = _actions(payload.get("access"), scope.name) if scope else None
    return Given(subject=subject if isinstance(subject, str) else "", actions=actions)


def _actions(access: object, name: str) -> tuple[str, ...] | None:
    """Return what is granted in a repository; a list that cannot be read in full tells nothing."""
    found: list[str] = []
    for entry in access if isinstance(access, list) else [None]:
        match entry:
            case {"type": "repository", "name": str(named), "actions": [*actions]}:
                found += actions if named == name else ()
            case {"type": str(), "name": str(), "actions": None | [*_]}:
                pass
            case _:
                return None
    return scopes_of(found)


def refused(reply: Reply | NoReply, document: object) -> Refused | Faulted:
    """Return what an answer without a token says; a fault of the server says nothing."""
    if isinstance(reply, NoReply) or not 400 <= reply.status < 500 or reply.status == 429:
        return fault_of(reply) or Faulted(
            reason=Reason.UNEXPECTED_ANSWER,
            detail="it is no answer of a token server: no token stands in it",
        )
    spoken = isinstance(document, dict) or asks_by_basic(reply)
    return Refused(status=reply.status, code=_code(document), spoken=spoken)


def asks_by_basic(reply: Reply) -> bool:
    """Return whether it wants a name and a password in a header. Source: RFC 7617."""
    scheme, _, _ = reply.headers.get(CHALLENGE, "").partition(" ")
    return scheme.lower() == "basic"


def _code(document: object) -> str:
    """Source: OCI Distribution Specification, "Error Codes"."""
    match document:
        case {"errors": [{"code": str(code)}, *_]}:
            return code[:_MAX_CODE]
        case _:
            return ""


def meaning_of(nobody: Heard, somebody: Heard, *, bare: bool) -> Answer | Faulted:
    """Return what the difference between both answers says of the login. Total.

    Args:
        bare: whether nothing but to be let in was asked for.
    """
    if isinstance(somebody, Given):
        better = isinstance(nobody, Refused) or _is_better(nobody, somebody)
        return _yes(somebody) if better else _same()
    if _alike(nobody, somebody):
        return _same()
    if somebody.spoken and somebody.status == 401:
        return Answer(active=False)
    if somebody.spoken and somebody.status == 403 and bare and isinstance(nobody, Given):
        return Answer(active=False, why=_DENIED)
    return _unclear(somebody)


def _is_better(nobody: Given, somebody: Given) -> bool:
    """Return whether a token is one that nobody gets: for somebody, or for more.

    A server that names nobody too may name him otherwise each time.
    """
    named = bool(somebody.subject) and not nobody.subject
    if nobody.actions is None or somebody.actions is None:
        return named
    return named or not set(somebody.actions) <= set(nobody.actions)


def is_for_somebody(heard: Heard) -> bool:
    """Return whether an answer is by itself one to somebody: it names him, or gives a right."""
    return isinstance(heard, Given) and bool(heard.subject or heard.actions)


def _alike(nobody: Heard, somebody: Refused) -> bool:
    return isinstance(nobody, Refused) and (nobody.status, nobody.code) == (
        somebody.status,
        somebody.code,
    )


def _yes(token: Given) -> Answer:
    return Answer(active=True, claims=Claims(scopes=token.actions))


def with_access(bare: Answer, first: Heard, second: Heard) -> Answer:
    """Return the yes to who asked to be let in, with what he was given when he asked for more.

    A token for somebody else than before tells nothing of him.
    """
    if not isinstance(first, Given) or not isinstance(second, Given):
        return bare
    return _yes(second) if second.subject == first.subject else bare


def _same() -> Faulted:
    return Faulted(
        reason=Reason.UNEXPECTED_ANSWER,
        detail="its token server says the same to nobody, so nothing of the login; a repository"
        " that needs one, in vendor.registry.scope, may tell more",
        of_token=True,
    )


def _unclear(said: Refused) -> Faulted:
    return Faulted(
        reason=Reason.UNEXPECTED_ANSWER,
        detail=f"its token server refuses the question (HTTP {said.status}) and not the login",
        of_token=True,
    )
