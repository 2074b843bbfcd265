"""Addresses that an admin may write: parsed once, in one spelling, or refused with the repair.

What two parsers could read differently is not taken at all: escapes, back slashes, parameters, dot
segments, user names, and every spelling of an IP address but the plain one. Source: RFC 3986, of
which this is a subset.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

MAX_URL = 2048
HTTPS_PORT = 443
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)"
    r"(?:\?(?P<query>[^#]*))?(?P<fragment>#.*)?",
    re.DOTALL,
)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]@]+)(?::(?P<port>[1-9][0-9]{0,4}))?")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,=:@-]+)*/?")
_QUERY = re.compile(r"[A-Za-z0-9._~!$'()*+,=:@/&-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """An https address in its one spelling.

    Args:
        host: lower-case name, or an IP address without brackets.
        path: begins with a slash.
        query: without the question mark; "" when there is none.
    """

    host: str
    port: int = HTTPS_PORT
    path: str = "/"
    query: str = ""

    @property
    def place(self) -> str:
        """Return ``host`` or ``host:port``, as messages and the field `hosts` write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == HTTPS_PORT else f"{host}:{self.port}"

    @property
    def target(self) -> str:
        """Return what stands in the request line. Source: RFC 9112 section 3.2.1."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def __str__(self) -> str:
        """Return the address as it is requested."""
        return f"https://{self.place}{self.target}"


def parse_url(text: str) -> Url | str:
    """Return the address that `text` holds, or what is wrong with it and what to write. Total."""
    if len(text) > MAX_URL:
        return f"must have at most {MAX_URL} characters"
    parts = _URL.fullmatch(text)
    if parts is None or parts["scheme"].lower() != "https":
        return "must begin with https://"
    if parts["fragment"] is not None:
        return "must have no fragment (#…)"
    place = parse_place(parts["authority"])
    if isinstance(place, str):
        return place
    path, query = parts["path"] or "/", parts["query"] or ""
    if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        return "must have a plain path: no escapes (%), back slashes, ;, //, and no . or .. in it"
    if not _QUERY.fullmatch(query):
        return "must have a plain query: letters, digits and -._~!$'()*+,=:@/& only"
    return Url(host=place.host, port=place.port, path=path, query=query)


def parse_place(text: str) -> Url | str:
    """Return host and port of ``host`` or ``host:port``, or what is wrong with it. Total."""
    if "@" in text:
        return "must have no user name or password"
    parts = _AUTHORITY.fullmatch(text)
    port = int(parts["port"] or HTTPS_PORT) if parts else 0
    if parts is None or not 0 < port < 65536:
        return "must name a host, and a port only as :8443"
    host = _host_of(parts["host"])
    return host if isinstance(host, Bad) else Url(host=host, port=port)


class Bad(str):
    """What is wrong with a host, in words."""

    __slots__ = ()


def _host_of(text: str) -> str | Bad:
    if not text.isascii():
        return Bad("must name the host in ASCII; write a name of other letters as xn--…")
    host = text.lower()
    if host.startswith("["):
        try:
            return str(IPv6Address(host[1:-1]))
        except AddressValueError:
            return Bad("must have an IPv6 address between [ and ]")
    if _NUMBER.fullmatch(host.rsplit(".", 1)[-1]):
        return _plain_ipv4(host)
    if len(host) > 253 or not _NAME.fullmatch(host):
        return Bad(
            "must name the host as in DNS, such as login.example.com, without a dot at its end"
        )
    return host


def _plain_ipv4(text: str) -> str | Bad:
    """A name that ends in a number is an address, and every reader must read the same one.

    Source: WHATWG URL, "ends in a number checker".
    """
    try:
        address = str(IPv4Address(text))
    except AddressValueError:
        address = ""
    if address != text:
        return Bad("must write an IPv4 address as four decimal numbers, such as 192.0.2.7")
    return address
