"""What `verify` expects of a token: from a TokenCheck, a TokenProvider, keys and flags."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tokencheck.api.tokencheck import (
    ConfigMapKeyRef,
    Policy,
    Scopes,
    SecretKeyRef,
    ServiceAccountToken,
    Spec,
    TokenSpec,
)
from tokencheck.cli.manifests import config_map_values, manifests_in
from tokencheck.core.tokens.keys import parse_jwks
from tokencheck.model.errors import UsageError
from tokencheck.model.trust import Trust, TrustState, rules_of

if TYPE_CHECKING:
    from tokencheck.api.tokenprovider import TokenProvider

_KEY_SET_BYTES = 256 << 10
_BUNDLE_BYTES = 1 << 20  # all authorities of a system are a quarter of that
_Objects = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of `verify` that say what is expected.

    Args:
        provider, check, ca_bundle: files.
        jwks: a file or an address.
        token: which of the check's tokens; the first by default.
        allow_private: networks to which the address may lead, beside public ones.
    """

    provider: str | None = None
    check: str | None = None
    jwks: str | None = None
    token: str | None = None
    issuer: str | None = None
    audiences: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    allow_private: tuple[str, ...] = ()
    ca_bundle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What is expected of the token, what warnings become, and who vouches.

    Args:
        provider: the TokenProvider that the caller gave, of which `trust` was made.
    """

    spec: TokenSpec
    policy: Policy
    trust: Trust
    provider: "TokenProvider | None" = None


def expectations_of(asked: Asked) -> Expectations:
    """Return what the files and flags ask for; a flag goes before the file.

    Raises:
        UsageError: a file cannot be read, is no such manifest, or lacks what another one names.
    """
    if (asked.allow_private or asked.ca_bundle) and "://" not in (asked.jwks or ""):
        raise UsageError(
            "--allow-private and --ca-bundle say how --jwks https://… is reached: add it, or, for"
            " the servers of a TokenProvider, write network.cidrs and tls.caBundle into it"
        )
    checks = manifests_in(asked.check) if asked.check else ()
    providers = manifests_in(asked.provider) if asked.provider else ()
    check = _check_in(checks, asked.check) if asked.check else Spec()
    spec = _with_flags(_token_of(check, asked), asked)
    objects, provider = (*providers, *checks), None
    if asked.provider is not None:
        provider = _provider_in(objects, spec.provider, asked.provider)
    trust = _trust(spec, asked, objects, provider)
    return Expectations(spec=spec, policy=check.policy, trust=trust, provider=provider)


def _check_in(objects: _Objects, path: str) -> Spec:
    found = [o for o in objects if o.get("kind") == "TokenCheck"]
    if len(found) != 1:
        raise UsageError(
            f"{path} must hold one TokenCheck and holds {len(found)}. Name a file with one."
        )
    from tokencheck.api.parse_tokencheck import parse_tokencheck

    check = parse_tokencheck(found[0])
    if check.invalid:
        raise UsageError(
            f"The TokenCheck in {path} is invalid: {'; '.join(map(str, check.invalid))}"
        )
    return check.spec


def _token_of(check: Spec, asked: Asked) -> TokenSpec:
    """Return the token that is meant; one that the check only discovers has no expectations."""
    if asked.token is not None and asked.check is None:
        raise UsageError("--token chooses one of the tokens of a TokenCheck: add --check FILE")
    chosen = [t for t in check.tokens if asked.token in (None, t.name)]
    if asked.token is not None and not chosen:
        names = ", ".join(t.name for t in check.tokens) or "none"
        raise UsageError(f"{asked.check} has no token of the name in --token. It has: {names}")
    if not chosen:
        unnamed = SecretKeyRef(name="", key="")
        return TokenSpec(name="token", source=unnamed, listed=False, expiry=check.default_expiry)
    token = chosen[0]
    if isinstance(token.source, ServiceAccountToken) and token.source.audience:
        return replace(token, audiences=(token.source.audience,))
    return token


def _with_flags(spec: TokenSpec, asked: Asked) -> TokenSpec:
    scopes = spec.scopes
    if asked.scopes:
        required = tuple(dict.fromkeys((*scopes.required, *asked.scopes)))
        scopes = Scopes(
            required=required, allowed=scopes.allowed, forbidden=scopes.forbidden, asked=True
        )
    return replace(
        spec,
        issuer=asked.issuer or spec.issuer,
        audiences=asked.audiences or spec.audiences,
        scopes=scopes,
        listed=spec.listed or bool(asked.issuer or asked.audiences or asked.scopes),
    )


def _trust(
    spec: TokenSpec, asked: Asked, objects: _Objects, provider: "TokenProvider | None"
) -> Trust:
    trust = Trust()
    if provider is not None:
        trust = _provided(provider, objects, asked)
    elif spec.provider is not None and asked.jwks is None:
        raise UsageError(
            f"{asked.check} names the TokenProvider {spec.provider}: give its manifest with"
            " --provider FILE, or public keys with --jwks FILE"
        )
    if asked.jwks is not None:
        return _given(trust, asked.jwks, asked)
    if spec.keys is not None and trust.state is TrustState.NONE:
        return _with_keys(trust, *_config_map(spec.keys, objects, asked))
    return trust


def _given(trust: Trust, jwks: str, asked: Asked) -> Trust:
    """Return the keys of --jwks: a file, or an address that is asked once."""
    if "://" not in jwks:
        return _with_keys(trust, _text_of(jwks), jwks)
    from tokencheck.cli.fetching import asked_at

    bundle = _text_of(asked.ca_bundle, _BUNDLE_BYTES) if asked.ca_bundle else ""
    return asked_at(jwks, trust, private=asked.allow_private, ca_bundle=bundle)


def _provider_in(objects: _Objects, name: str | None, path: str) -> "TokenProvider":
    from tokencheck.api.tokenprovider import parse_tokenprovider

    found = [parse_tokenprovider(o) for o in objects if o.get("kind") == "TokenProvider"]
    fitting = [p for p in found if p.name == name] or (found if name is None else [])
    if len(fitting) != 1:
        which = f"the TokenProvider {name}" if name else "one TokenProvider"
        raise UsageError(f"{path} must hold {which}. It holds {len(found)} TokenProviders.")
    provider = fitting[0]
    if provider.invalid:
        faults = "; ".join(str(fault) for fault in provider.invalid)
        raise UsageError(f"The TokenProvider in {path} is invalid: {faults}")
    return provider


def _provided(provider: "TokenProvider", objects: _Objects, asked: Asked) -> Trust:
    """Return what `gather.trust.provided` makes of the provider, its keys taken from files."""
    jwt, trust = provider.jwt, rules_of(provider)
    if provider.vendor is not None:
        from tokencheck.core.questions.vendors.table import implied_by

        return replace(trust, implies=implied_by(provider))
    if jwt is None:
        return trust
    if asked.jwks is not None:
        return trust
    if jwt.remote is not None:
        from tokencheck.cli.fetching import asked_once

        return asked_once(provider, trust, f"TokenProvider {provider.name}")
    if jwt.config_map is None:
        return _with_keys(trust, jwt.jwks or "", f"TokenProvider {provider.name}")
    return _with_keys(trust, *_config_map(jwt.config_map, objects, asked))


def _config_map(ref: ConfigMapKeyRef, objects: _Objects, asked: Asked) -> tuple[str, str]:
    for text in config_map_values(objects, ref.name, ref.key):
        return text, f'ConfigMap {ref.name} key "{ref.key}"'
    raise UsageError(
        f'The public keys are in ConfigMap {ref.name} key "{ref.key}": add its manifest to'
        f" {asked.provider or asked.check}, or give the keys with --jwks FILE"
    )


def _with_keys(trust: Trust, text: str, where: str) -> Trust:
    keys = parse_jwks(text)
    if keys.keys:
        return replace(trust, state=TrustState.USABLE, keys=keys, detail=where)
    why = f" ({'; '.join(keys.faults[:3])})" if keys.faults else ""
    detail = f"{where} holds no usable public key{why}"
    return replace(trust, state=TrustState.KEYS_UNAVAILABLE, detail=detail)


def _text_of(path: str, limit: int = _KEY_SET_BYTES) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(limit + 1).decode("utf-8", "replace")
    except OSError:
        raise UsageError(f"The file {path} cannot be read. Name one that exists.") from None
