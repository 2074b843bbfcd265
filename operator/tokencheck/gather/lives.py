"""Whether one listed token lives: looked up, and asked about when it is worth it."""

from dataclasses import replace
from datetime import datetime

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.core.checks.chain import unsent
from tokencheck.core.questions.token_review import audiences_of
from tokencheck.core.rights.capability import paths_of
from tokencheck.core.tokens.presented import presented
from tokencheck.gather.sources import Sources
from tokencheck.gather.withheld import unvouched
from tokencheck.model.activity import Activity, ActivityState, Looked
from tokencheck.model.evidence import Held, TokenEvidence
from tokencheck.model.keys import Key
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import TrustState


def with_activity(
    check: TokenCheck, token: TokenEvidence, text: Sealed, sources: Sources, now: datetime
) -> TokenEvidence:
    """Return the evidence with what its provider says of the token, where it is one that is asked.

    A token that is bad by its own word, or of another kind, is shown to nobody; one whose
    signature waits for keys waits with it. Where authors are reviewed, so is one of a check that no
    author was seen to write: he may have named any Secret before the policies were there.
    """
    if not token.trust.introspected:
        return token
    provider = sources.inventory.provider(token.trust.provider)
    if provider is None or provider.asked is None:
        return token
    # White space belongs to a password: whoever logs in by it sends it too.
    shown = text if token.trust.registry else presented(text)
    bare = Activity(provider=provider.name, state=ActivityState.PENDING)
    if token.trust.state is TrustState.PENDING:
        return replace(token, activity=bare)
    bad = unsent(token, check.spec.policy, now)
    if shown is None or bad or not isinstance(token.holding, Held):
        return replace(token, activity=replace(bare, state=ActivityState.NOT_SENT))
    if sources.reviews is not None and not check.stamped:
        return replace(token, activity=unvouched(provider.name))
    looked = Looked(
        key=Key("TokenCheck", check.namespace, check.name),
        mark=token.holding.facts.fingerprint,
        text=shown,
        interval=check.spec.interval,
        audiences=audiences_of(token.holding.facts) if provider.vendor else (),
        paths=paths_of(token.spec.scopes) if token.trust.by_capability else (),
    )
    found = sources.liveness.activity(provider, looked, now)
    return replace(token, activity=found)
