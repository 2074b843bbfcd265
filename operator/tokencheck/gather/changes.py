"""When did the value change? A Secret's versions also move on annotation-only writes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tokencheck.api.quantity import seen_by
from tokencheck.model.evidence import SecretMeta
from tokencheck.model.ports import Remembered


def change_of(
    remembered: Remembered | None,
    stored: Mapping[str, Any],
    meta: SecretMeta,
    fingerprint: bytes,
    now: datetime,
) -> SecretMeta:
    """Return `meta` with the time at which the value itself changed, and whether that is known.

    Args:
        remembered: what this process saw of the token before.
        stored: the token's entry of the stored status: a memory that survives a restart.
        fingerprint: of the value read now.
    """
    if remembered and remembered.secret_uid == meta.uid:
        if remembered.fingerprint == fingerprint:
            return replace(meta, changed_at=remembered.changed_at, witnessed=remembered.witnessed)
        newer = meta.changed_at if meta.changed_at > remembered.changed_at else now
        return replace(meta, changed_at=newer, witnessed=True)
    if stored.get("resourceVersion") == meta.resource_version and (
        kept := seen_by(stored.get("changedTime"))
    ):
        return replace(meta, changed_at=kept, witnessed=True)
    # Never written since its creation: then the creation is the change, and not an assumption.
    return replace(meta, witnessed=meta.changed_at == meta.created_at)
