"""Rights in the words of RBAC: what somebody may do, and whether the API server says so."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Right:
    """One verb on one resource.

    Args:
        group: "" for the core group.
        resource: plural, with the subresource if any: ``tokenchecks/status``.
        namespace: "" means the whole cluster.
        name: of the only object that is meant; "" means all of them.
    """

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    @property
    def plural(self) -> str:
        """Return the resource without its subresource."""
        return self.resource.partition("/")[0]

    @property
    def kind(self) -> str:
        """Return the resource as kubectl writes it: ``deployments.apps``."""
        plural, slash, sub = self.resource.partition("/")
        return f"{plural}.{self.group}{slash}{sub}" if self.group else self.resource


# What the author of a ClusterTokenCheck needs: the policy `tokencheck-cluster` asks for it.
AUTHOR_OF_CLUSTER_CHECKS = Right(verb="get", group="", resource="secrets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Rights on one resource, and what they are for.

    Args:
        verbs: all of which are needed.
        why: what does not work without them, as the end of a sentence (``X, so ...``).
        names: of the only objects that are meant; empty means all.
    """

    verbs: tuple[str, ...]
    group: str
    resource: str
    why: str
    namespace: str = ""
    names: tuple[str, ...] = ()

    @property
    def rights(self) -> tuple[Right, ...]:
        """Return each verb, on each object, as a right of its own."""
        return tuple(
            Right(
                verb=verb,
                group=self.group,
                resource=self.resource,
                namespace=self.namespace,
                name=name,
            )
            for name in self.names or ("",)
            for verb in self.verbs
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the API server said about a right; None where it could not be asked."""

    right: Right
    allowed: bool | None
