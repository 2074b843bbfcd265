"""The one exception of this package: a guard or the other side ended a request."""

from tokencheck.model.reasons import Reason


class Refused(Exception):  # noqa: N818 - says what happened, as all of our words do
    """No answer; `reason` and `detail` are ours and safe to show."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Keep both for the `NoReply` that is made of it."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
