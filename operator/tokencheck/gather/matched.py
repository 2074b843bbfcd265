"""Tokens that nobody listed, of a vendor whose TokenProvider an admin has look for them."""

from dataclasses import replace

from tokencheck.core.tokens.documents import WHOLE_VALUE, select_steps
from tokencheck.gather.held import Reading
from tokencheck.gather.lives import with_activity
from tokencheck.gather.trust import provided, usable
from tokencheck.gather.turns import in_turns
from tokencheck.model.evidence import Held, TokenEvidence
from tokencheck.model.facts import Family
from tokencheck.model.sealed import Sealed


async def matched(
    reading: Reading, token: TokenEvidence, value: Sealed, path: str
) -> TokenEvidence:
    """Return the evidence with the word of the provider that matches it, where there is one.

    Of several it is the first by name that serves the namespace.

    Args:
        value: of the Secret's key.
        path: where the token stands in it.
    """
    sources, held = reading.sources, token.holding
    if not isinstance(held, Held) or held.facts.family is not Family.VENDOR:
        return token
    for provider in sources.inventory.matching(held.facts.kind):
        if await usable(reading.check.namespace, provider, sources) is True:
            text = value if path == WHOLE_VALUE else await in_turns(select_steps(value, path))
            if not isinstance(text, Sealed):
                return token
            told = replace(token, trust=await provided(provider, sources, reading.now))
            return with_activity(reading.check, told, text, sources, reading.now)
    return token
