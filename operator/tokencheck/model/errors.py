"""The exceptions of tokencheck: for I/O edges only; facts about the user's world are Findings.

* TokencheckError
  * UsageError: the caller of a command must change what he typed (exit 2)
  * ClusterError: the API server did not do what was asked; `retryable` says whether waiting helps
"""

_PLACES = 12  # of an error that ends us, the innermost


class TokencheckError(Exception):
    """Base of all; its text is ours and safe to show."""


class UsageError(TokencheckError):
    """The user must change the command or its files."""


class ClusterError(TokencheckError):
    """The API server refused or did not answer.

    Args:
        message: ours; never the server's text.
        status: HTTP status, 0 when there was no answer.
    """

    def __init__(self, message: str, *, status: int = 0) -> None:
        """Keep the status beside the message."""
        super().__init__(message)
        self.status = status

    @property
    def retryable(self) -> bool:
        """Return whether the same request may succeed later: no answer, 429 or 5xx."""
        return self.status == 0 or self.status == 429 or self.status >= 500


def place_of(error: BaseException) -> str:
    """Return where an error came from: modules and lines, the innermost last, none of its text.

    It imports nothing: for want of files or memory that would be the next error.
    """
    places, step = [], error.__traceback__
    while step is not None:
        places.append(f"{step.tb_frame.f_globals.get('__name__', '?')}:{step.tb_lineno}")
        step = step.tb_next
    return " > ".join(places[-_PLACES:])
