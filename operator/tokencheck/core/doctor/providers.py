"""What TokenProviders give away: they cannot vouch for tokens, or nobody answers there."""

from collections.abc import Iterator, Mapping

from tokencheck.core.doctor.diagnosis import Area, Diagnosis, unlisted, well
from tokencheck.core.doctor.facts import ProviderSeen
from tokencheck.model.evidence import Absent, Unread
from tokencheck.model.finding import Result
from tokencheck.model.reasons import Reason

_DESCRIBE = "kubectl describe tokenprovider {name}"
_HOSTS = "tokencheck hosts"
# What of a provider's spec, or of the way to it, the reason points at.
_MEND: Mapping[str, str] = {
    Reason.DNS_FAILED: _HOSTS,
    Reason.ADDRESS_FORBIDDEN: _HOSTS,
    Reason.UNREACHABLE: _HOSTS,
    Reason.TIMED_OUT: _HOSTS,
    Reason.DISCOVERY_MISMATCH: _HOSTS,
    Reason.REDIRECT_REFUSED: _HOSTS,
}


def providers(seen: tuple[ProviderSeen, ...] | Unread) -> Iterator[Diagnosis]:
    """Say which TokenProviders cannot vouch for tokens, and whose servers do not answer."""
    if isinstance(seen, Unread):
        if not isinstance(seen, Absent):  # then the CRDs were found to be missing
            kind = "tokenproviders.tokencheck.dev"
            yield unlisted(Area.PROVIDERS, seen, "tokenproviders", kind, "whether they can vouch")
        return
    bad = [found for one in seen if (found := _silent(one) or _unready(one))]
    yield from bad
    if seen and not bad:
        asked = sum(one.reachable == "True" for one in seen)
        answer = f", and each that is asked answers: {asked}" if asked else ""
        said = f"TokenProviders that are ready: {len(seen)} of {len(seen)}{answer}"
        yield well(Area.PROVIDERS, said)


def _unready(one: ProviderSeen) -> Diagnosis | None:
    if one.ready == "True":
        return None
    return Diagnosis(
        area=Area.PROVIDERS,
        result=Result.WARN,
        said=f"TokenProvider {one.name} is not ready: {one.message or 'nobody judged it yet'}",
        means="tokens that it vouches for are Unknown",
        mend=(_DESCRIBE.format(name=one.name),),
    )


def _silent(one: ProviderSeen) -> Diagnosis | None:
    """Say that it is asked in vain; one that is ready vouches by what it said before."""
    if one.reachable != "False":
        return None
    since = f" since {one.unreachable_since}" if one.unreachable_since else ""
    last = f", the last answer came at {one.answered}" if one.answered else ", it never answered"
    checks = "1 TokenCheck names it" if one.checks == 1 else f"{one.checks} TokenChecks name it"
    kept = "what it said before counts until it is too old, then they are Unknown"
    left = kept if one.ready == "True" else "what it vouches for is Unknown"
    return Diagnosis(
        area=Area.PROVIDERS,
        result=Result.WARN,
        said=f"TokenProvider {one.name} does not answer{since}: {one.reason}: {one.silence}{last}",
        means=f"{checks}; {left}",
        mend=(_MEND.get(one.reason, _DESCRIBE).format(name=one.name),),
    )
