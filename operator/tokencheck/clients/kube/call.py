"""One request to the API server, before it is made: what, where, and whether it still may be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tokencheck.clients.kube.answers import WithheldError


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked of the API server.

    Args:
        timeout_s: for the whole answer; of a watch, for how long it may be silent.
        only_if: asked right before each time that it is sent.
    """

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    timeout_s: float
    body: bytes = field(default=b"", repr=False)  # that of a TokenReview holds a token
    only_if: Callable[[], bool] = lambda: True

    @property
    def where(self) -> str:
        """Return what messages call it."""
        return f"{self.method} {self.path}"

    @property
    def verb(self) -> str:
        """Return the verb as metrics name it."""
        return "watch" if "watch" in self.params else self.method.lower()

    def require_wanted(self) -> None:
        """Return when it may still be sent. Raises WithheldError."""
        if not self.only_if():
            raise WithheldError(f"{self.where}: not sent, it is not ours to write any more")


def resource_of(path: str) -> str:
    """Return the plural, and the subresource if any, of an API path: ``tokenchecks/status``."""
    return "/".join(_below_the_namespace(path)[::2][:2])


def is_collection(path: str) -> bool:
    """Return whether an API path is that of all objects of a resource, in a namespace or not."""
    return len(_below_the_namespace(path)) == 1


def _below_the_namespace(path: str) -> list[str]:
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if len(parts) > 2 and parts[0] == "namespaces" and parts[2] not in ("status", "finalize"):
        parts = parts[2:]
    return parts
