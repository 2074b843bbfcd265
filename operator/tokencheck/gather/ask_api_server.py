"""Asking the operator's own API server about one token, once."""

from tokencheck.core.questions.replies import Faulted
from tokencheck.core.questions.token_review import meaning_of
from tokencheck.core.tokens.strict import strict_json
from tokencheck.model.activity import Answer, Looked
from tokencheck.model.asking import Reply
from tokencheck.model.ports import TokenReviews


async def ask_api_server(looked: Looked, reviews: TokenReviews) -> Answer | Faulted:
    """Return whether the API server authenticates who shows the token, or why that is not known.

    Args:
        looked: whose text has no white space around it.
    """
    reply = await reviews.review(looked.text, looked.audiences)
    document = strict_json(reply.body, "the answer") if isinstance(reply, Reply) else None
    return meaning_of(reply, document, looked.audiences)
