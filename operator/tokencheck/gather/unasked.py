"""Where no provider is asked about tokens: audits, files, commands."""

from datetime import datetime

from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.model.activity import Activity, ActivityState, Looked, Standing
from tokencheck.model.assessment import Assessment
from tokencheck.model.keys import Key
from tokencheck.model.reasons import Reason


class NoLiveness:
    """Implements `model.ports.Liveness` where nobody is asked: audits, files."""

    def activity(self, provider: TokenProvider, looked: Looked, now: datetime) -> Activity:  # noqa: ARG002 - the port's signature
        """Return that nobody asked."""
        detail = f"TokenProvider {provider.name} was not asked here"
        return Activity(
            provider=provider.name,
            state=ActivityState.FAULTED,
            reason=Reason.NOT_ASKED,
            detail=detail,
        )

    def awaits(self, key: Key, assessment: Assessment, now: datetime) -> datetime | None:  # noqa: ARG002 - the port's signature
        """Return None: nothing comes."""
        return None

    def again_at(self, key: Key, assessment: Assessment, now: datetime) -> datetime | None:  # noqa: ARG002 - the port's signature
        """Return None."""
        return None

    def standing(self, name: str) -> Standing | None:  # noqa: ARG002 - the port's signature
        """Return None."""
        return None

    async def tend(
        self,
        provider: TokenProvider,  # noqa: ARG002 - the port's signature
        now: datetime,  # noqa: ARG002 - the port's signature
        *,
        changed: bool,  # noqa: ARG002 - the port's signature
    ) -> datetime | None:
        """Change nothing; nothing is looked at again."""
        return None

    def forget(self, name: str) -> None:
        """Change nothing."""
