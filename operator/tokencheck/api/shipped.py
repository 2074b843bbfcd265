"""The digests of the CRDs in crds/, as `api.crds` makes them. Written by `make docs`."""

from collections.abc import Mapping
from types import MappingProxyType

SHIPPED: Mapping[str, str] = MappingProxyType(
    {
        "clustertokenchecks.tokencheck.dev": "a989015fbf3a390f6f2900a4a30a4085",
        "tokenchecks.tokencheck.dev": "803b76976d4e31e795a51107facb727e",
        "tokenproviders.tokencheck.dev": "c5f7d04ea89461164ce07710df7bfe35",
    }
)
