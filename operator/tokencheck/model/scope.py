"""How far the right to read Secrets reaches; the RBAC of the chart has the same three shapes."""

from enum import StrEnum


class Scope(StrEnum):
    """Where Secrets may be read; the watches have the same shape."""

    CLUSTER = "cluster"
    NAMESPACES = "namespaces"
    NAMED = "named"
