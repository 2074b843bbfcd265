"""`verify --ask`: the word of the vendor on one token, asked once, and only when told to."""

from dataclasses import replace
from datetime import datetime

from tokencheck.cli.expectations import Expectations
from tokencheck.cli.waiting import awaited
from tokencheck.clients.egress.client import Egress
from tokencheck.core.checks.chain import unsent
from tokencheck.core.questions.replies import Faulted
from tokencheck.core.tokens.presented import presented
from tokencheck.gather.ask_vendor import ask_vendor
from tokencheck.model.activity import Activity, ActivityState
from tokencheck.model.errors import UsageError
from tokencheck.model.evidence import TokenEvidence
from tokencheck.model.sealed import Sealed


def with_answer(
    token: TokenEvidence, text: Sealed | None, wanted: Expectations, now: datetime
) -> TokenEvidence:
    """Return the evidence with what the vendor says; a token that is bad already is not shown.

    Args:
        text: of the token; None when there is none.

    Raises:
        UsageError: nobody is named who could be asked.
    """
    provider = wanted.provider
    if provider is not None and provider.vendor is not None and provider.vendor.server is None:
        raise UsageError(
            f"TokenProvider {provider.name} is of type Kubernetes: only the operator asks its API"
            " server. Name another provider, or leave --ask out"
        )
    if provider is None or provider.vendor is None:
        raise UsageError(
            "--ask shows the token to the vendor of a TokenProvider: name one with spec.vendor in"
            " --provider FILE"
        )
    if provider.credentials is not None:
        raise UsageError(
            f"--ask cannot ask {provider.vendor.name}: it answers the operator, by a token that the"
            " operator alone has. Look at the TokenCheck in the cluster"
        )
    if provider.vendor.registry is not None:
        raise UsageError(
            f"--ask asks no registry: that of {provider.vendor.registry.host} is asked by the"
            " operator alone. Look at the TokenCheck in the cluster"
        )
    shown = presented(text) if text is not None else None
    state = Activity(provider=provider.name, state=ActivityState.NOT_SENT)
    if shown is not None and not unsent(token, wanted.policy, now):
        said = awaited(ask_vendor(provider, provider.vendor, shown, Egress()))
        if isinstance(said, Faulted):
            faulted = ActivityState.FAULTED
            state = replace(state, state=faulted, reason=said.reason, detail=said.detail)
        else:
            own = replace(said, stranger=False)  # whose it is, the caller has said
            state = replace(state, state=ActivityState.KNOWN, answer=own, answered_at=now)
    return replace(token, activity=state)
