"""How the island's servers answer: faithful, lying, slow and huge ones, by name."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import zlib
from collections.abc import Awaitable, Callable

KEYS = json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "kid": "island", "x": "x", "y": "y"}]})
BODY = KEYS.encode()
BOMB = gzip.compress(b"0" * 20_000_000)
MANY = 2_000_000  # bytes: far more than any cap of a vector

# What every request says: no compression, and nothing after this answer.
ASKED = (b"\r\nAccept-Encoding: identity\r\n", b"\r\nConnection: close\r\n")


def head(status: str, *lines: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", *lines, "", "")).encode("latin-1")


def ok(*lines: str, body: bytes = BODY, status: str = "200 OK") -> bytes:
    kind = "Content-Type: application/json"
    return head(status, kind, f"Content-Length: {len(body)}", *lines) + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n", lines: tuple[str, ...] = ()) -> bytes:
    parts = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks)
    return head("200 OK", "Transfer-Encoding: chunked", *lines) + parts + end


RAW: dict[str, bytes] = {
    "keys": ok(),
    "chunked": chunked(BODY[:5], BODY[5:]),
    "until closed": head("200 OK") + BODY,
    "identity named": ok("Content-Encoding: identity"),
    "early hints": head("103 Early Hints", "Link: </x>") + ok(),
    "another service advertised": ok('Alt-Svc: h2="3.3.3.3:443"; ma=86400, h3=":443"'),
    "trailers": chunked(BODY, end=b"0\r\nX-Trailer: 1\r\n\r\n"),
    "refresh header": ok("Refresh: 0; url=https://3.3.3.3/"),
    "link header": ok('Link: <https://3.3.3.3/>; rel="preload"', "Location: https://3.3.3.3/"),
    "status 204": head("204 No Content"),
    "status 401 with the token": ok('WWW-Authenticate: Bearer "x"', status="401 Unauthorized"),
    "status 404": ok(status="404 Not Found"),
    "status 429": ok("Retry-After: 7", status="429 Too Many Requests"),
    "status 500": ok(status="500 Internal Server Error"),
    "status 503": ok("Retry-After: Thu, 01 Jan 2099 00:00:00 GMT", status="503 Busy"),
    # Compressed, though that was refused.
    "gzip": ok("Content-Encoding: gzip", body=gzip.compress(BODY)),
    "gzip bomb": ok("Content-Encoding: gzip", body=BOMB),
    "x-gzip": ok("Content-Encoding: x-gzip", body=gzip.compress(BODY)),
    "deflate": ok("Content-Encoding: deflate", body=zlib.compress(BODY)),
    "brotli": ok("Content-Encoding: br"),
    "zstd": ok("Content-Encoding: zstd"),
    "twice encoded": ok("Content-Encoding: identity, gzip"),
    "encoding in capitals": ok("CONTENT-ENCODING: GZIP", body=gzip.compress(BODY)),
    "unknown encoding": ok("Content-Encoding: rot13"),
    # Huge.
    "body a little too large": ok(body=b"0" * (64 * 1024 + 1)),
    "large body": ok(body=b"[" + b"0" * MANY),
    "large length": head("200 OK", "Content-Length: 10000000000") + b"0" * MANY,
    "large chunk": chunked(b"0" * MANY),
    "many chunks": chunked(*[b"0" * 1000] * 2000),
    "large until closed": head("200 OK") + b"0" * MANY,
    "large header": head("200 OK", "X-Big: " + "a" * MANY) + BODY,
    "many headers": head("200 OK", *[f"X-{i}: a" for i in range(100_000)]) + BODY,
    "long reason": head("200 " + "a" * MANY) + BODY,
    "many early hints": head("103 Early Hints", "Link: </x>") * 50_000 + ok(),
    "large early hints": head("103 Early Hints", "X: " + "a" * 60_000) * 20 + ok(),
    "large trailers": chunked(BODY, end=b"0\r\n" + b"X-T: a\r\n" * 200_000 + b"\r\n"),
    "large chunk extension": chunked(end=b"5;" + b"a" * MANY + b"\r\n"),
    "chunk extensions": head("200 OK", "Transfer-Encoding: chunked")
    + b"1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=b\r\n0\r\n" * 40_000,
    # Lying.
    "length too long": head("200 OK", "Content-Length: 100000") + BODY,
    "length negative": head("200 OK", "Content-Length: -1") + BODY,
    "length not a number": head("200 OK", "Content-Length: many") + BODY,
    "two lengths": head("200 OK", "Content-Length: 5", "Content-Length: 6") + BODY,
    "bad chunk size": head("200 OK", "Transfer-Encoding: chunked") + b"zz\r\n" + BODY,
    "huge chunk size": head("200 OK", "Transfer-Encoding: chunked") + b"f" * 40 + b"\r\n" + BODY,
    "cut chunk": head("200 OK", "Transfer-Encoding: chunked") + b"fff\r\n" + BODY,
    "unknown transfer coding": head("200 OK", "Transfer-Encoding: gzip, chunked") + BODY,
    "no status line": BODY,
    "HTTP/0.9": b"<html>keys</html>",
    "HTTP/2 frame": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00\x03\x00\x00\x00\x80" * 3,
    "status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n" + BODY,
    "status of letters": b"HTTP/1.1 abc OK\r\n\r\n" + BODY,
    "header without colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n" + BODY,
    "null in a header": b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n" + BODY,
    "protocol switch": head("101 Switching Protocols", "Upgrade: h2c", "Connection: Upgrade"),
    "cut head": b"HTTP/1.1 200 OK\r\nContent-",
    "nothing": b"",
    "mail server": b"220 mail.test ESMTP\r\n",
    "ssh server": b"SSH-2.0-OpenSSH_9.2\r\n",
}


_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n")


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    """All that came of it, head and body."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as fault:
        return fault.partial if isinstance(fault, asyncio.IncompleteReadError) else b""
    length = _LENGTH.search(head)
    try:
        return head + await reader.readexactly(int(length[1]) if length else 0)
    except asyncio.IncompleteReadError as fault:
        return head + fault.partial


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    for at in range(0, len(data), 65_536):
        writer.write(data[at : at + 65_536])
        await writer.drain()


async def _drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    """A byte at a time, for ever: each comes before any timeout of a read."""
    while True:
        for at in range(len(data)):
            writer.write(data[at : at + 1])
            await writer.drain()
            await asyncio.sleep(0.02)


SLOW: dict[str, Callable[[asyncio.StreamWriter], Awaitable[None]]] = {
    "silent": lambda writer: _then_silence(writer, b""),
    "dripping head": lambda writer: _drip(writer, b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 10_000),
    "dripping early hints": lambda writer: _drip(writer, head("103 Early Hints", "X: y")),
    "silent body": lambda writer: _then_silence(writer, head("200 OK", "Content-Length: 500")),
    "dripping body": lambda writer: _drip(writer, head("200 OK", "Content-Length: 9000") + BODY),
    "open end": lambda writer: _then_silence(writer, head("200 OK") + BODY),
    "dripping chunks": lambda writer: _drip(
        writer, head("200 OK", "Transfer-Encoding: chunked") + b"1\r\n0\r\n" * 9000
    ),
    "last chunk missing": lambda writer: _then_silence(writer, chunked(BODY, end=b"")),
}


async def _then_silence(writer: asyncio.StreamWriter, data: bytes) -> None:
    await _send(writer, data)
    await asyncio.sleep(3600)


async def answer(
    serve: str,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    hear: Callable[[bytes], None],
) -> None:
    """Answer one request as `serve` says; `hear` is told the request as it came."""
    if serve == "silent":
        await SLOW["silent"](writer)
    request = await _read_request(reader)
    hear(request)
    if serve.startswith("redirect "):
        _, status, location = serve.split(" ", 2)
        await _send(writer, ok(f"Location: {location}", status=f"{status} Elsewhere"))
    elif serve == "cookie":
        crumbs = b"Cookie:" in request
        await _send(writer, ok("Set-Cookie: a=b; Path=/", status="418 Fed" if crumbs else "200 OK"))
    elif serve in SLOW:
        await SLOW[serve](writer)
    else:
        rude = [line for line in ASKED if line not in request]
        await _send(writer, ok(status="418 Asked otherwise") if rude else RAW[serve])
