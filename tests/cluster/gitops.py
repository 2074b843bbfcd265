"""Something that keeps objects as Git has them, by the real kubectl and as a user of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from subprocess import CompletedProcess

from cluster.shop import Object, ready

Kubectl = Callable[..., CompletedProcess[str]]


class Tool:
    """Applies and compares manifests in one way; its name is its user and its field manager."""

    def __init__(self, kubectl: Kubectl, name: str, *, server_side: bool = True) -> None:
        self._kubectl = kubectl
        who = (f"--as={name}", "--as-group=system:masters", f"--field-manager={name}", "-f", "-")
        self._way = ("--server-side", *who) if server_side else who

    def apply(self, *manifests: Object) -> str:
        """The cluster has what they say; returns what kubectl said to a refusal."""
        text = _text(manifests)
        return self._kubectl("apply", *self._way, stdin=text, check=False).stderr

    def differs(self, *manifests: Object) -> str:
        """What `kubectl diff` shows; "" when an apply would change nothing."""
        text = _text(manifests)
        done = self._kubectl("diff", *self._way, stdin=text, check=False)
        # 1 is a difference, more than that is a fault.
        assert done.returncode == (1 if done.stdout else 0), done
        return done.stdout


def _text(manifests: tuple[Object, ...]) -> str:
    # JSON: in YAML the `y` of a key would need quotes.
    return "\n---\n".join(map(json.dumps, manifests))


def rested(found: Object) -> bool:
    """Whether there is a verdict of this spec, and nothing goes on."""
    kinds = {one["type"] for one in found.get("status", {}).get("conditions", ())}
    return bool(found and ready(found)[0]) and "Reconciling" not in kinds
