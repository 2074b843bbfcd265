"""The digests of the CRDs in crds/, as `api.crds` makes them. Written by `make docs`."""

from collections.abc import Mapping
from types import MappingProxyType

SHIPPED: Mapping[str, str] = MappingProxyType(
    {
        "clustertokenchecks.tokencheck.dev": "119a2d0b01d7acc6994993eb04f6b2a7",
        "tokenchecks.tokencheck.dev": "eef361edec24572109537869c04f2386",
        "tokenproviders.tokencheck.dev": "dfac4c4404578ea2f98551285511d29e",
    }
)
