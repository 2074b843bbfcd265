"""The ways of one process to the API server, each guarded: no other writes are possible on it."""

import logging
from dataclasses import dataclass
from pathlib import Path

from tokencheck.app.cluster_checks import LIMITS as OF_MAKING
from tokencheck.app.election import LIMITS as OF_LEASES
from tokencheck.app.settings import Settings
from tokencheck.clients.kube.credentials import Trouble
from tokencheck.clients.kube.guard import LEASE_WRITES, MAKER_WRITES, OPERATOR_WRITES, Write
from tokencheck.clients.kube.transport import Limits, Transport

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Roads:
    """The ways to the API server, each for certain writes alone.

    Args:
        main: of statuses and Events.
        leases: of the election, when there is one.
        making: of the TokenChecks of ClusterTokenChecks, when they are wanted.
    """

    main: Transport
    leases: Transport | None = None
    making: Transport | None = None

    @property
    def working(self) -> tuple[Transport, ...]:
        """Return those that are counted: all but the Leases', which beat each second or so."""
        return tuple(filter(None, (self.main, self.making)))

    async def close(self) -> None:
        """Close all connections."""
        for one in filter(None, (self.main, self.leases, self.making)):
            await one.close()


async def open_roads(settings: Settings) -> Roads:
    """Return those that the settings want. Raises UsageError as `connect` does."""
    making = leases = None
    main = await connect(settings)
    main.credentials.on_trouble = _tell  # the others have the same: once is enough
    if settings.leader_elect:
        leases = await connect(settings, limits=OF_LEASES, writes=LEASE_WRITES)
    if settings.cluster_checks:
        making = await connect(settings, limits=OF_MAKING, writes=MAKER_WRITES)
    return Roads(main, leases, making)


async def connect(
    settings: Settings,
    *,
    limits: Limits | None = None,
    writes: tuple[Write, ...] = OPERATOR_WRITES,
) -> Transport:
    """Return a transport by kubeconfig, or by the Pod's service account.

    Raises:
        UsageError: the credentials cannot be found or read.
    """
    path = Path(settings.kubeconfig) if settings.kubeconfig else None
    return await Transport.connect(
        kubeconfig=path, context=settings.context, limits=limits, writes=writes
    )


def _tell(trouble: Trouble, words: str) -> None:
    if words:
        _log.warning("%s", words)
    else:
        _log.info("the credentials for the API server are not %s any more", trouble.lower())
