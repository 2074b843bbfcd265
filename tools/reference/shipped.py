"""The module api/shipped.py: the digests of the CRDs, by which an old one is recognised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokencheck.api.crds import digest_of

_HEAD = '''"""The digests of the CRDs in crds/, as `api.crds` makes them. Written by `make docs`."""

from collections.abc import Mapping
from types import MappingProxyType

SHIPPED: Mapping[str, str] = MappingProxyType(
    {
'''


def render_shipped(crds: Sequence[dict[str, Any]]) -> str:
    """The module, as text."""
    lines = [f'        "{crd["metadata"]["name"]}": "{digest_of(crd)}",\n' for crd in crds]
    return "".join([_HEAD, *lines, "    }\n)\n"])
