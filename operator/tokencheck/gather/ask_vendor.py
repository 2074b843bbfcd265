"""Asking a vendor about one token, once."""

from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.api.vendor import OWN_TOKEN, Vendor
from tokencheck.core.questions.replies import Faulted
from tokencheck.core.questions.vendors.rules import meaning_of, question
from tokencheck.core.questions.vendors.table import rules_for
from tokencheck.core.tokens.strict import strict_json
from tokencheck.gather.ask_token import destination_of
from tokencheck.gather.credentials import credentials_of
from tokencheck.model.activity import Answer
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
) -> Answer | Faulted:
    """Return whether the vendor accepts the token, or why that is not known.

    Args:
        token: without white space around it, and one of the vendor's by its looks.
        content: the Secret with the operator's own token, of a vendor that answers the operator.
    """
    own = None
    if content is not None:
        found = credentials_of(content, (OWN_TOKEN,), "vendor.credentialsRef")
        if isinstance(found, Faulted):
            return found
        (own,) = found
    destination = destination_of(provider, vendor.places)
    asked = question(rules_for(vendor), vendor, destination, token, own)
    return interpret(vendor, await asker.ask(asked))


def interpret(vendor: Vendor, reply: Reply | NoReply) -> Answer | Faulted:
    """Return what the vendor said of the token. Total, whatever came."""
    document = strict_json(reply.body, "the answer") if isinstance(reply, Reply) else None
    return meaning_of(rules_for(vendor), vendor.name, reply, document)
