"""The digests of the CRDs in crds/, as `api.crds` makes them. Written by `make docs`."""

from collections.abc import Mapping
from types import MappingProxyType

SHIPPED: Mapping[str, str] = MappingProxyType(
    {
        "tokenchecks.tokencheck.dev": "84a2914e7113d6eb7d71fbea0b3eb55d",
        "tokenproviders.tokencheck.dev": "0184b82816cd87ad69d699d29b876da6",
    }
)
