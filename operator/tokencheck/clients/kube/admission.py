"""Reads the chart's policies, and tries in a namespace whether that on requesters is enforced."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tokencheck.clients.kube.decode import object_in
from tokencheck.clients.kube.reads import read_object
from tokencheck.clients.kube.resources import (
    MUTATING_BINDINGS,
    MUTATING_POLICIES,
    POLICY_BINDINGS,
    TOKEN_CHECKS,
    VALIDATING_POLICIES,
    Resource,
)
from tokencheck.clients.kube.transport import Transport
from tokencheck.core.rights.enforcement import (
    enforcement_of,
    is_shipped_binding,
    is_shipped_policy,
)
from tokencheck.core.rights.guards import (
    Installation,
    is_bound_everywhere,
    is_shipped_guard,
    is_shipped_stamping,
)
from tokencheck.core.rights.policy import probe
from tokencheck.model.admission import (
    PROBE_NAME,
    REQUESTER_POLICY,
    Enforcement,
    Guard,
)
from tokencheck.model.errors import ClusterError
from tokencheck.model.evidence import Absent, Unread

Judge = Callable[[Mapping[str, Any]], bool]
_APPLY = "application/apply-patch+yaml"
# Nothing is stored. By apply, not by POST: RBAC can allow it for this one name.
_DRY = {"dryRun": "All", "fieldManager": "tokencheck", "force": "true"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What stands in the cluster of a policy and its binding, or of two and theirs.

    Args:
        policy: whether it is the one that this version ships; binding: whether that is.
    """

    policy: bool | Unread
    binding: bool | Unread

    @property
    def shipped(self) -> bool | None:
        """Return whether both are; None when one could not be read."""
        return None if isinstance(self.whole, Unread) else self.whole

    @property
    def whole(self) -> bool | Unread:
        """Return whether both are, or why that is not known; what is missing is known."""
        return _both(self.policy, self.binding)

    @property
    def absent(self) -> bool:
        """Return whether one of them is not there."""
        return isinstance(self.whole, Absent)


async def read_installed(transport: Transport) -> Installed:
    """Return what of the requester policy stands in the cluster."""
    return Installed(
        policy=await _read(transport, VALIDATING_POLICIES, REQUESTER_POLICY, is_shipped_policy),
        binding=await _read(transport, POLICY_BINDINGS, REQUESTER_POLICY, is_shipped_binding),
    )


async def stamps(transport: Transport) -> bool | Unread:
    """Return whether the API server has been told to write on TokenChecks who asked.

    One that does not serve such policies has not.
    """
    found = await _read(transport, MUTATING_POLICIES, Guard.STAMP, lambda _: True)
    return False if isinstance(found, Absent) else found


async def read_guard(transport: Transport, guard: Guard, known: Installation) -> Installed:
    """Return what of another policy of the chart stands in the cluster.

    Nobody tries them: whatever stands there to the letter, and is bound, the API server enforces.
    """

    def ships(found: Mapping[str, Any]) -> bool:
        return is_shipped_guard(guard, found, known)

    def binds(found: Mapping[str, Any]) -> bool:
        return is_bound_everywhere(found, guard)

    policy = await _read(transport, VALIDATING_POLICIES, guard, ships)
    binding = await _read(transport, POLICY_BINDINGS, guard, binds)
    if guard is Guard.STAMP and known.stamps:
        stamping = await _read(
            transport, MUTATING_POLICIES, guard, lambda found: is_shipped_stamping(found, known)
        )
        policy = _both(policy, stamping)
        binding = _both(binding, await _read(transport, MUTATING_BINDINGS, guard, binds))
    return Installed(policy=policy, binding=binding)


async def try_probe(
    transport: Transport, namespace: str, installed: Installed, *, guarded: bool | None = True
) -> Enforcement:
    """Return what a dry run of a TokenCheck that must be refused shows there; nothing is stored.

    What does not stand there refuses nothing: then nobody is asked.

    Args:
        guarded: whether the policies on which its proof rests are those that ship; None when they
            could not be read.
    """
    if installed.absent:
        return Enforcement.ADMITTED
    path = TOKEN_CHECKS.path(namespace, PROBE_NAME)
    if path is None:
        return Enforcement.UNKNOWN  # no namespace can be called so
    try:
        answer = await transport.patch(
            path, probe(PROBE_NAME, namespace), _DRY, content_type=_APPLY
        )
    except ClusterError:
        return Enforcement.UNKNOWN
    message = str(object_in(answer.body).get("message", ""))
    return enforcement_of(answer.status, message, shipped=installed.shipped, guarded=guarded)


def _both(*found: bool | Unread) -> bool | Unread:
    unread = [one for one in found if isinstance(one, Unread)]
    absent = [one for one in unread if isinstance(one, Absent)]
    return next(iter((*absent, *unread)), all(found))


async def _read(transport: Transport, resource: Resource, name: str, judge: Judge) -> bool | Unread:
    body = await read_object(transport, resource, "", name)
    return judge(object_in(body)) if isinstance(body, bytes) else body
