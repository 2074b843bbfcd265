"""A registry without a token server: it lets a user in at its own door, by name and password.

Its answers are definite: 200 is yes, 401 with its challenge is no. But it must ask for a login: 200
to who shows none proves nothing, and a registry that sends its users to a token server takes no
password itself. A page is no answer of a registry, whatever its status. What it says of a wrong
login it says of one that did not arrive, too: a proxy on the road that takes logins away keeps out
all who pull over it, for they show the same header at the same address.
Source: OCI Distribution Specification, "Determining Support" (GET /v2/); RFC 7617; CNCF
Distribution, registry/auth/htpasswd.
"""

from tokencheck.api.vendor import Vendor
from tokencheck.core.questions.replies import Faulted, fault_of
from tokencheck.core.questions.vendors.registry import CHALLENGE, Refused, asks_by_basic
from tokencheck.core.questions.vendors.rules import MAX_BYTES
from tokencheck.model.activity import Answer
from tokencheck.model.asking import Destination, NoReply, Question, Reply
from tokencheck.model.reasons import Reason

_VERSION, _SECOND = "docker-distribution-api-version", "registry/2"


def question(vendor: Vendor, destination: Destination) -> Question:
    """Return the request of ``docker login``, without the login."""
    assert vendor.server is not None  # noqa: S101 - of type Registry
    wants = (CHALLENGE, _VERSION)
    return Question(destination=destination, url=vendor.server, wants=wants, max_bytes=MAX_BYTES)


def asked_for_login(reply: Reply | NoReply) -> Refused | Faulted:
    """Return that it refuses who shows no login, or why it is not to be asked about any."""
    if isinstance(reply, Reply) and reply.status == 401:
        if asks_by_basic(reply):
            return Refused(status=401, code="", spoken=True)
        detail = (
            "the registry takes no password itself (its WWW-Authenticate is not Basic): give the"
            " realm and the service that stand there, as vendor.url and vendor.registry.service"
        )
        return Faulted(reason=Reason.UNEXPECTED_ANSWER, detail=detail)
    return fault_of(reply) or Faulted(
        reason=Reason.UNEXPECTED_ANSWER,
        detail="the registry lets anybody in, so nothing is known of a login",
    )


def meaning_of(reply: Reply | NoReply, document: object) -> Answer | Faulted:
    """Return what it says of a login, where it refuses who shows none. Total, whatever came.

    Args:
        document: the body, read strictly as JSON.
    """
    if isinstance(reply, Reply) and 400 <= reply.status < 500 and reply.status != 429:
        return _refused(reply)
    fault = fault_of(reply)
    if fault is not None:
        return fault
    named = isinstance(reply, Reply) and reply.headers.get(_VERSION, "").startswith(_SECOND)
    if named or document == {}:
        return Answer(active=True)
    return Faulted(
        reason=Reason.UNEXPECTED_ANSWER,
        detail="it is no answer of a registry; is the address right?",
    )


def _refused(reply: Reply) -> Answer | Faulted:
    """Return no, where it asks for a login again; all else is about rights, or a lockout."""
    if reply.status == 401 and asks_by_basic(reply):
        return Answer(active=False)
    detail = f"the registry refuses the question (HTTP {reply.status}) and not the login"
    return Faulted(reason=Reason.UNEXPECTED_ANSWER, detail=detail, of_token=True)
