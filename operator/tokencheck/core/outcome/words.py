"""Texts that stay within their bounds."""


def cut(text: str, limit_bytes: int) -> str:
    """Return `text` in at most `limit_bytes` bytes of UTF-8.

    Ending in ``…`` when something is missing.
    """
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit_bytes:
        return text
    return raw[: limit_bytes - 3].decode("utf-8", "ignore") + "…"


def sentence(message: str, action: str) -> str:
    """Return what is wrong and what to do next, as one text."""
    return f"{message}; {action}" if action else message
