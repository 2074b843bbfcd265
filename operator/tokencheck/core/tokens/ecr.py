"""Passwords of Amazon's registry (ECR): base64 of JSON that says when they end, and is signed.

One lives for 12 hours, so whoever writes it into a Secret has to go on doing so. Source:
docs.aws.amazon.com, "Private registry authentication in Amazon ECR"; the form of the text is not
documented: its members are payload, datakey, version, type and expiration.
"""

import binascii
from datetime import UTC, datetime

from tokencheck.core.tokens.claims import YEAR_10000
from tokencheck.core.tokens.strict import malformed, strict_json
from tokencheck.model.facts import Problem


def end_of(text: bytes) -> datetime | Problem | None:
    """Return when the password ends; None when it does not tell, a Problem when it is broken.

    Args:
        text: a whole one, by its looks.
    """
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return malformed("the password of ECR is cut off")
    value = strict_json(data, "the password of ECR")
    if isinstance(value, Problem):
        return value
    seconds = value.get("expiration") if isinstance(value, dict) else None
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return None
    return datetime.fromtimestamp(seconds, UTC) if 0 <= seconds < YEAR_10000 else None
