"""An answer is taken as it is, in full and within its cap, or not at all."""

import re
from collections.abc import Collection, Iterable

import httpcore

from tokencheck.clients.egress.refused import Refused
from tokencheck.model.asking import Reply
from tokencheck.model.reasons import Reason

MAX_WAIT_S = 3600.0
_SECONDS = re.compile(rb"[0-9]{1,9}")
_MAX_AGE = re.compile(rb"(?:^|[\s,])max-age=\"?([0-9]{1,9})", re.IGNORECASE)
_TEXT = re.compile(rb"[ -~]{0,4096}")
_MEDIA_TYPE = re.compile(rb"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")


async def reply_of(
    response: httpcore.Response, max_bytes: int, wants: Collection[str] = ()
) -> Reply:
    """Return the whole answer, and of its headers those that are wanted.

    Raises:
        Refused: it leads elsewhere, is encoded, or too large.
    """
    headers = {name.lower(): value for name, value in response.headers}
    if 300 <= response.status < 400:
        raise Refused(
            Reason.REDIRECT_REFUSED,
            "the server sends us elsewhere, and redirects are not followed: "
            "write the final address into the provider",
        )
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise Refused(Reason.UNEXPECTED_ANSWER, "the answer is compressed though we refuse that")
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > max_bytes:
            raise Refused(
                Reason.ANSWER_TOO_LARGE, f"the answer is larger than {max_bytes // 1024} KiB"
            )
    return Reply(
        status=response.status,
        media_type=_media_type(headers.get(b"content-type", b"")),
        body=bytes(body),
        retry_after_s=_seconds(headers.get(b"retry-after", b"")),
        max_age_s=_max_age(headers.get(b"cache-control", b"")),
        headers=_wanted(response.headers, wants),
    )


def _wanted(headers: Iterable[tuple[bytes, bytes]], wants: Collection[str]) -> dict[str, str]:
    """Return wanted headers; of one that came twice nobody knows which is meant."""
    found: dict[str, list[bytes]] = {}
    for name, value in headers:
        found.setdefault(name.lower().decode("latin-1"), []).append(value)
    return {
        name: found[name][0].decode("ascii")
        for name in wants
        if len(found.get(name, ())) == 1 and _TEXT.fullmatch(found[name][0])
    }


def _media_type(value: bytes) -> str:
    kind = value.split(b";", 1)[0].strip().lower()
    return kind.decode("ascii") if _MEDIA_TYPE.fullmatch(kind) else ""


def _seconds(value: bytes) -> float | None:
    """Only the form in seconds: the other one compares two clocks, and ours may be the wrong one.

    Source: RFC 9110 section 10.2.3.
    """
    found = _SECONDS.fullmatch(value.strip())
    return min(float(found[0]), MAX_WAIT_S) if found else None


def _max_age(value: bytes) -> float | None:
    found = _MAX_AGE.search(value)
    return float(found[1]) if found else None
