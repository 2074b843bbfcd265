"""How things are named inside the process."""

from typing import NamedTuple


class Key(NamedTuple):
    """Identity of one Kubernetes object, by kind, namespace ("" when cluster-scoped) and name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Return ``Kind namespace/name``, as messages show it."""
        return (
            f"{self.kind} {self.namespace}/{self.name}"
            if self.namespace
            else f"{self.kind} {self.name}"
        )


# Stands for every TokenProvider that is asked about tokens which nobody listed; no object has it.
MATCHING = Key("TokenProvider", "", "*")
