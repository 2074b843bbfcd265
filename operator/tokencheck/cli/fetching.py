"""Public keys that `verify` asks a server for: once, by the guards of the operator.

A fault leaves the signature unknown, never wrong.
"""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_network

from tokencheck.api.keysource import Network, RemoteKeys
from tokencheck.api.selector import Selector
from tokencheck.api.tokenprovider import JwtTrust, TokenProvider
from tokencheck.api.urls import Url, parse_url
from tokencheck.cli.waiting import awaited
from tokencheck.clients.egress.client import Egress
from tokencheck.core.checks.words import shown
from tokencheck.core.questions.replies import Faulted
from tokencheck.gather.ask_keys import ask_keys
from tokencheck.model.errors import UsageError
from tokencheck.model.trust import Trust, TrustState

_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
# The guards speak of a TokenProvider's fields; here there are only flags.
_FLAGS = (
    ("private networks are allowed by network.cidrs", "--allow-private CIDR allows a private one"),
    ("tls.caBundle", "--ca-bundle"),
    ("write the final address into the provider", "write the final address"),
)


def asked_once(provider: TokenProvider, trust: Trust, where: str) -> Trust:
    """Return `trust` with the keys that the provider's server gives now, or why it gives none.

    Args:
        where: the server, for people.
    """
    answer = awaited(ask_keys(provider, Egress()))
    if isinstance(answer, Faulted):
        detail = f"{where} gave no keys: {answer.detail}"
        state = TrustState.KEYS_UNAVAILABLE
        return replace(trust, state=state, reason=answer.reason, detail=detail)
    return replace(trust, state=TrustState.USABLE, keys=answer[0], detail=where)


def asked_at(address: str, trust: Trust, *, private: Iterable[str], ca_bundle: str) -> Trust:
    """Return `trust` with the keys at an https address, or why there are none.

    Only public addresses are dialled and those in `private`; redirects are refused, and the size
    and the time of the answer are bounded.

    Args:
        private: networks, such as ``10.0.0.0/8``.
        ca_bundle: PEM of the only authorities that count; "" for those of the system.

    Raises:
        UsageError: the address, a network or the bundle is none.
    """
    url = parse_url(address)
    if not isinstance(url, Url):
        raise UsageError(f"The address in --jwks {url}. A file is named by its path alone.")
    if ca_bundle and _CERTIFICATE not in ca_bundle:
        raise UsageError(f"The file in --ca-bundle holds no PEM certificates ({_CERTIFICATE}…)")
    network = Network(cidrs=tuple(map(_network, private)), ca_bundle=ca_bundle)
    # Not its query: there may be a key in it.
    where = shown(f"https://{url.place}{url.path}")
    found = asked_once(_provider_at(url, network), trust, where)
    detail = found.detail
    for said, meant in _FLAGS:
        detail = detail.replace(said, meant)
    return replace(found, detail=detail)


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise UsageError(
            "--allow-private is no network without host bits. Write it like 10.0.0.0/8"
        ) from None


def _provider_at(url: Url, network: Network) -> TokenProvider:
    """Return the provider that an admin would write for this address."""
    remote = RemoteKeys(url=url, discovery=False)
    return TokenProvider(
        name="",
        uid="",
        generation=0,
        resource_version="",
        allowed=Selector(),
        jwt=JwtTrust(issuer=None, jwks=None, config_map=None, remote=remote),
        network=network,
    )
