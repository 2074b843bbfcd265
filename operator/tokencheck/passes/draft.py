"""One look at a workload: the TokenCheck that fits what it mounts."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from tokencheck.api.tokencheck import WorkloadRef
from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.core.drafts.implicit import check_of
from tokencheck.core.drafts.suggest import suggestion_of
from tokencheck.gather.seen import see
from tokencheck.gather.sources import Sources
from tokencheck.model.evidence import Failed, Unread
from tokencheck.passes.assess import assess


async def draft_pass(
    namespace: str,
    ref: WorkloadRef,
    now: datetime,
    *,
    sources: Sources,
    providers: Iterable[TokenProvider] = (),
) -> str | Unread:
    """Return a TokenCheck as YAML, or why the workload could not be read.

    Args:
        namespace, ref: the workload.
        now: aware UTC.
        sources: read with the caller's rights.
        providers: all that the caller may see; those that allow the namespace are named.
    """
    check = check_of(namespace, ref)
    seen = await see(check, sources)
    if seen.readable is None:
        return seen.unread or Failed(what=f"{ref.kind} {namespace}/{ref.name}")
    assessment = await assess(check, seen, sources, now)
    usable = await _usable(namespace, providers, sources)
    return suggestion_of(seen.readable, assessment, usable, now)


async def _usable(
    namespace: str, providers: Iterable[TokenProvider], sources: Sources
) -> Mapping[str, str]:
    """Return issuer -> name of the providers that vouch in the namespace."""
    labels = await sources.inventory.namespace_labels(namespace)
    known = labels if isinstance(labels, Mapping) else {}
    return {
        p.jwt.issuer: p.name
        for p in providers
        if p.jwt is not None
        and p.jwt.issuer
        and not p.invalid
        and (p.allowed.all or p.allowed.selects(known))
    }
