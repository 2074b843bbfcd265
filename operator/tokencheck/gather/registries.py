"""Logins at registries: what a TokenProvider of one is shown instead of a password alone."""

from dataclasses import replace

from tokencheck.core.tokens.fingerprint import fingerprint
from tokencheck.core.tokens.logins import entry_steps
from tokencheck.gather.sources import Sources
from tokencheck.gather.turns import in_turns
from tokencheck.model.evidence import Held, TokenEvidence
from tokencheck.model.sealed import Sealed


async def with_login(
    token: TokenEvidence, text: Sealed, value: Sealed, path: str, sources: Sources
) -> tuple[TokenEvidence, Sealed]:
    """Return the evidence, and what its provider may be shown of the token.

    At a registry that is the user's name with it, where both stand in an entry: then it is another
    token when either changes. Whose entry it is, the evidence says. Everywhere else it is the text.

    Args:
        value: of the Secret's key, in which `text` stands at `path`.
    """
    if not token.trust.registry or not isinstance(token.holding, Held):
        return token, text
    entry = await in_turns(entry_steps(value, path))
    if entry is None:
        return token, text
    mark = fingerprint(entry.pair, sources.fingerprint_key)
    holding = replace(token.holding, facts=replace(token.holding.facts, fingerprint=mark))
    return replace(token, registry=entry.host, holding=holding), entry.pair
