"""How the rounds over ClusterTokenChecks went, as metrics show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tokencheck.model.estate import Make, Remove, Renew
from tokencheck.model.ports import WriteResult

STEPS = tuple(kind.__name__ for kind in (Make, Renew, Remove))
# A step that was not sent, because another replica leads, was not taken.
ENDS = tuple(end for end in WriteResult if end is not WriteResult.STANDBY)
REFUSED = (WriteResult.REFUSED, WriteResult.REJECTED, WriteResult.FAILED)
TAKEN = "Taken"
CAUSES = (*map(str, REFUSED), TAKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How one ClusterTokenCheck stood at the end of a round.

    Args:
        conditions: (type, status) of its conditions.
        workloads: that it selects, by what became of them.
        verdicts: its TokenChecks by verdict.
        waiting: steps that are wanted, by kind (of `STEPS`); those that are refused too.
        refused: TokenChecks that could not be made, renewed or removed, by cause (of `CAUSES`):
            how the API server answered at the last time, or Taken where another one has the name.
            Verdicts, steps and refusals are empty where not all was listed that it needs.
    """

    conditions: tuple[tuple[str, str], ...]
    workloads: Mapping[str, int]
    verdicts: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How all of it stands.

    Args:
        steps: taken since the process started, by (kind, end); all that can be, some with 0.
        age_s: since a round ended that knew all that it needed, or since this process leads; None
            while it does not.
        accounts: by name of the ClusterTokenCheck; empty while this process does not lead.
    """

    steps: Mapping[tuple[str, str], int]
    age_s: float | None
    accounts: Mapping[str, Account]
