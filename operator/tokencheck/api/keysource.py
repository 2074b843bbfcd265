"""Where the public keys of a TokenProvider are, and through which network they are reached."""

import base64
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network

from tokencheck.api.fields import Fields
from tokencheck.api.urls import Url, parse_place, parse_url

DISCOVERY_PATH = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0, section 4
DEFAULT_REFRESH = timedelta(minutes=10)
DEFAULT_MAX_STALE = timedelta(hours=24)
MIN_REFRESH = timedelta(minutes=1)
MAX_STALE = timedelta(days=7)
_KINDS = ("Inline", "ConfigMap", "URL", "Discovery")
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteKeys:
    """Keys that are asked of a server.

    Args:
        url: of the JWKS document; with `discovery`, of the document that names it.
        refresh: how often they are asked for.
        max_stale: how long keys count after they were last read, when nobody answers any more.
    """

    url: Url
    discovery: bool
    refresh: timedelta = DEFAULT_REFRESH
    max_stale: timedelta = DEFAULT_MAX_STALE


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How a provider's servers are reached.

    Args:
        hosts: ``host`` or ``host:port`` of servers beside those of the addresses in the spec.
        cidrs: private networks that their names may lead to.
        ca_bundle: PEM; "" for the authorities that the system trusts.
        tls13: whether TLS 1.2 is too old.
    """

    hosts: tuple[str, ...] = ()
    cidrs: tuple[str, ...] = ()
    ca_bundle: str = ""
    tls13: bool = False


def parse_remote_keys(keys: Fields, kind: str | None, issuer: str | None) -> RemoteKeys | None:
    """Return where the keys are asked for; None when they stand in the cluster, or with a fault."""
    if kind not in _KINDS:
        keys.fault("type", f"must be one of {', '.join(_KINDS)}")
    if kind == "URL":
        url = _url(keys, "url", keys.required_text("url"))
    elif kind == "Discovery":
        url = _discovery_url(keys, issuer)
    else:
        return None
    refresh, max_stale = keys.duration("refreshInterval"), keys.duration("maxStale")
    if refresh is not None and not MIN_REFRESH <= refresh <= timedelta(days=1):
        keys.fault("refreshInterval", "must be between 1m and 24h")
    if max_stale is not None and not MIN_REFRESH <= max_stale <= MAX_STALE:
        keys.fault("maxStale", "must be between 1m and 7d")
    if url is None:
        return None
    return RemoteKeys(
        url=url,
        discovery=kind == "Discovery",
        refresh=refresh or DEFAULT_REFRESH,
        max_stale=max_stale or DEFAULT_MAX_STALE,
    )


def _discovery_url(keys: Fields, issuer: str | None) -> Url | None:
    if issuer is None:
        keys.fault("type", "Discovery needs jwt.issuer: the document must name the same issuer")
        return None
    written = keys.text("discoveryURL")
    if written is not None:
        return _url(keys, "discoveryURL", written)
    found = parse_url(issuer.removesuffix("/") + DISCOVERY_PATH)
    if isinstance(found, Url):
        return found
    keys.fault("discoveryURL", f"must be given, as the issuer is no address: it {found}")
    return None


def _url(keys: Fields, name: str, text: str) -> Url | None:
    url = parse_url(text) if text else "must be given"
    if isinstance(url, Url):
        return url
    if text:
        keys.fault(name, url)
    return None


def parse_network(spec: Fields) -> Network:
    """Return how the servers are reached."""
    hosts = []
    for index, text in enumerate(spec.texts("hosts")):
        place = parse_place(text)
        if isinstance(place, Url):
            hosts.append(place.place)
        else:
            spec.fault(f"hosts[{index}]", place)
    network, tls = spec.child("network"), spec.child("tls")
    return Network(
        hosts=tuple(hosts),
        cidrs=tuple(_cidrs(network)),
        ca_bundle=_ca_bundle(tls),
        tls13=tls.text("minVersion") == "1.3",
    )


def _cidrs(network: Fields) -> list[str]:
    taken = []
    for index, text in enumerate(network.texts("cidrs")):
        try:
            taken.append(str(ip_network(text)))
        except ValueError:
            network.fault(
                f"cidrs[{index}]", "must be a network without host bits, such as 10.0.0.0/8"
            )
    return taken


def _ca_bundle(tls: Fields) -> str:
    """Return the bundle as PEM; it may also be written in base64, as webhooks have it."""
    text = tls.text("caBundle") or ""
    if text and _CERTIFICATE not in text:
        try:
            text = base64.b64decode(text, validate=True).decode("ascii")
        except ValueError:  # not base64, or not ASCII before or after it
            text = ""
        if _CERTIFICATE not in text:
            tls.fault("caBundle", f"must be PEM certificates ({_CERTIFICATE}…)")
    return text


def places_of(remote: RemoteKeys, network: Network) -> frozenset[str]:
    """Return every server that may be asked: that of the address, and the listed ones."""
    return frozenset((remote.url.place, *network.hosts))
