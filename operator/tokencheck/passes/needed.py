"""The pass that asks which Secrets a TokenCheck needs; nothing is judged and no Secret is read."""

from dataclasses import dataclass

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.core.workloads.locate import locate
from tokencheck.core.workloads.references import references_of
from tokencheck.gather.seen import see
from tokencheck.gather.sources import Sources
from tokencheck.model.evidence import Absent, Unread


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """Names of Secrets, and why there may be more: the workload could not be read."""

    secrets: frozenset[str]
    unread: Unread | None = None


async def needed_pass(check: TokenCheck, sources: Sources) -> Needed:
    """Return the Secrets that the operator reads for `check`, those that do not exist included."""
    seen = await see(check, sources)
    located = locate(check, seen.readable, seen.only_in_pods)
    names = {key.name for key in references_of(check, located) if key.kind == "Secret"}
    # A workload that does not exist mounts nothing.
    unread = None if isinstance(seen.unread, Absent) else seen.unread
    return Needed(secrets=frozenset(names), unread=unread)
