"""Which schema a CRD has, as one short text that two places can compare.

What the API server fills in by itself (conversion, list kind, its own conditions) does not count.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_OF_VERSION = ("name", "served", "storage", "schema", "subresources", "additionalPrinterColumns")


def digest_of(crd: Mapping[str, Any]) -> str:
    """Return the digest of what a CRD says of its objects: scope, versions, schemas, columns."""
    spec = crd.get("spec") or {}
    told = {
        "scope": spec.get("scope"),
        "versions": [
            {name: version.get(name) for name in _OF_VERSION}
            for version in spec.get("versions") or ()
        ],
    }
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
