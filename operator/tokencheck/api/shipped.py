"""The digests of the CRDs in crds/, as `api.crds` makes them. Written by `make docs`."""

from collections.abc import Mapping
from types import MappingProxyType

SHIPPED: Mapping[str, str] = MappingProxyType(
    {
        "tokenchecks.tokencheck.dev": "9aef496635d59db165746c560b5dbefe",
        "tokenproviders.tokencheck.dev": "71be39e33cffb0612acd1fd00d921018",
    }
)
