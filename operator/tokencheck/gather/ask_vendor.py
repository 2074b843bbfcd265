"""Asking a vendor about one token, once."""

from dataclasses import replace

from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.api.vendor import OWN_TOKEN, Vendor
from tokencheck.core.questions.replies import Faulted
from tokencheck.core.questions.vendors import capabilities
from tokencheck.core.questions.vendors.rules import meaning_of, question
from tokencheck.core.questions.vendors.table import rules_for
from tokencheck.core.tokens.strict import strict_json
from tokencheck.gather.ask_token import destination_of
from tokencheck.gather.credentials import credentials_of
from tokencheck.model.activity import Answer, Capabilities
from tokencheck.model.asking import NoReply, Reply
from tokencheck.model.evidence import SecretContent, Unread
from tokencheck.model.ports import Asker
from tokencheck.model.sealed import Sealed


async def ask_vendor(
    provider: TokenProvider,
    vendor: Vendor,
    token: Sealed,
    asker: Asker,
    content: SecretContent | Unread | None = None,
    *,
    paths: tuple[str, ...] = (),
) -> Answer | Faulted:
    """Return whether the vendor accepts the token, or why that is not known.

    Of one that it accepts also what that may do on paths: where this is not known, the rest is.

    Args:
        token: without white space around it, and one of the vendor's by its looks.
        content: the Secret with the operator's own token, of a vendor that answers the operator.
        paths: of a vendor that is asked about capabilities.
    """
    own = None
    if content is not None:
        found = credentials_of(content, (OWN_TOKEN,), "vendor.credentialsRef")
        if isinstance(found, Faulted):
            return found
        (own,) = found
    destination = destination_of(provider, vendor.places)
    asked = question(rules_for(vendor), vendor, destination, token, own)
    answer = interpret(vendor, await asker.ask(asked))
    if isinstance(answer, Faulted) or not answer.active or own is None or not paths:
        return answer
    reply = await asker.ask(capabilities.question(asked, vendor, paths))
    return replace(answer, capabilities=interpret_capabilities(reply, paths))


def interpret(vendor: Vendor, reply: Reply | NoReply) -> Answer | Faulted:
    """Return what the vendor said of the token. Total, whatever came."""
    return meaning_of(rules_for(vendor), vendor.name, reply, _document(reply))


def interpret_capabilities(reply: Reply | NoReply, paths: tuple[str, ...]) -> Capabilities:
    """Return what the vendor said of the token on these paths. Total, whatever came."""
    return capabilities.meaning_of(reply, _document(reply), paths)


def _document(reply: Reply | NoReply) -> object:
    return strict_json(reply.body, "the answer") if isinstance(reply, Reply) else None
