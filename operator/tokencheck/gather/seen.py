"""What was seen of a check's workload, before its tokens are looked for."""

from dataclasses import dataclass

from tokencheck.api.tokencheck import TokenCheck
from tokencheck.core.workloads.pods import injected
from tokencheck.gather.sources import Sources
from tokencheck.model.evidence import Unread
from tokencheck.model.workload import PodRecord, Site, Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A workload with its Pods.

    Args:
        workload: None when the check names none.
        only_in_pods: sites that running Pods have and the template has not.
    """

    workload: Workload | Unread | None
    pods: tuple[PodRecord, ...] | Unread = ()
    only_in_pods: tuple[Site, ...] = ()

    @property
    def readable(self) -> Workload | None:
        """Return the workload when it could be read."""
        return self.workload if isinstance(self.workload, Workload) else None

    @property
    def unread(self) -> Unread | None:
        """Return why the workload could not be read; None when it could, or when none is named."""
        return None if isinstance(self.workload, Workload) else self.workload


async def see(check: TokenCheck, sources: Sources) -> Seen:
    """Return the workload that `check` names and its Pods, as they are now."""
    if check.spec.workload is None:
        return Seen(workload=None)
    workload = await sources.inventory.workload(check.namespace, check.spec.workload)
    if not isinstance(workload, Workload):
        return Seen(workload=workload)
    pods = await sources.inventory.pods(workload)
    found = injected(workload, pods) if isinstance(pods, tuple) else ()
    return Seen(workload=workload, pods=pods, only_in_pods=found)
