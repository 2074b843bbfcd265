"""Kubernetes object -> TokenCheck. Total.

Whatever the object holds, a TokenCheck comes back, its faults listed.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from tokencheck.api.fields import Fields
from tokencheck.api.invalid import Invalid
from tokencheck.api.meta import meta_of, spec_of, status_of
from tokencheck.api.quantity import Share
from tokencheck.api.shared import shared
from tokencheck.api.tokencheck import (
    OWN_ANNOTATIONS,
    ConfigMapKeyRef,
    Expiry,
    Gate,
    GateMode,
    Level,
    Policy,
    Scopes,
    SecretKeyRef,
    ServiceAccountToken,
    Source,
    Spec,
    TokenCheck,
    TokenSpec,
    Use,
    WorkloadRef,
)

API_VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Pod": "v1",
    "Rollout": "argoproj.io/v1alpha1",
}
_MAX_TOKENS = 8
_FEW_SCOPES = 8
_NO_ANNOTATIONS: Mapping[str, str] = MappingProxyType({})
_MIN_INTERVAL = timedelta(seconds=30)


def parse_tokencheck(obj: Mapping[str, Any]) -> TokenCheck:
    """Return the TokenCheck that `obj` holds, `invalid` naming every fault of its spec."""
    meta, fields = meta_of(obj), spec_of(obj)
    spec = parse_spec(fields)
    annotations = {k: v for k, v in meta.annotations.items() if k in OWN_ANNOTATIONS}
    return TokenCheck(
        namespace=shared(meta.namespace),
        name=meta.name,
        uid=meta.uid,
        generation=meta.generation,
        resource_version=meta.resource_version,
        spec=spec,
        annotations=MappingProxyType(annotations) if annotations else _NO_ANNOTATIONS,
        invalid=tuple(fields.faults),
        status=status_of(obj),
    )


def parse_spec(fields: Fields) -> Spec:
    """Return the spec that `fields` holds; faults go to `fields.faults`."""
    default_expiry = shared(_expiry(fields.child("defaults").child("expiry")))
    tokens = tuple(_token(token, default_expiry) for token in fields.children("tokens"))
    policy, gate = fields.child("policy"), fields.child("gate")
    spec = Spec(
        workload=_workload(fields),
        discover=fields.text("discover") != "None",
        release=fields.text("release"),
        default_expiry=default_expiry,
        tokens=tokens,
        policy=shared(
            Policy(
                excess_scopes=policy.choice("excessScopes", Level, Level.WARN),
                expiring_soon=policy.choice("expiringSoon", Level, Level.WARN),
                drift=policy.choice("drift", Level, Level.WARN),
                stale_in_pods=policy.choice("staleInPods", Level, Level.WARN),
                no_expiry=policy.choice("noExpiry", Level, Level.WARN),
                lifetime=policy.choice("lifetime", Level, Level.WARN),
                age=policy.choice("age", Level, Level.WARN),
                unverified=policy.choice("unverified", Level, Level.WARN),
            )
        ),
        gate=shared(
            Gate(
                mode=gate.choice("mode", GateMode, GateMode.ENFORCE),
                grace_for=_or(gate.duration("graceFor"), Gate().grace_for),
                stall_for=_or(gate.duration("stallFor"), Gate().stall_for),
            )
        ),
        interval=_or(fields.duration("interval"), Spec().interval),
        suspend=fields.flag("suspend"),
    )
    _cross_check(fields, spec)
    return spec


def _or(value: timedelta | None, default: timedelta) -> timedelta:
    return default if value is None else value


def _workload(fields: Fields) -> WorkloadRef | None:
    if fields.values.get("workloadRef") is None:
        return None
    ref = fields.child("workloadRef")
    kind, name = ref.required_text("kind"), ref.required_text("name")
    api_version = ref.text("apiVersion") or API_VERSIONS.get(kind, "")
    if kind and not api_version:
        known = ", ".join(API_VERSIONS)
        ref.fault(
            "apiVersion", f"must be given for kind {kind[:63]}; it has a default only for {known}"
        )
    return WorkloadRef(api_version=api_version, kind=kind, name=name)


def _token(fields: Fields, defaults: Expiry) -> TokenSpec:
    keys = fields.values.get("keys")
    ref = fields.child("keys").child("configMapKeyRef")
    provider = shared(fields.child("providerRef").text("name"))
    return TokenSpec(
        name=shared(fields.required_text("name")),
        source=_source(fields),
        use=fields.choice("use", Use, Use.LIVE),
        field=fields.text("field"),
        provider=provider,
        keys=ConfigMapKeyRef(name=ref.required_text("name"), key=ref.required_text("key"))
        if keys is not None
        else None,
        issuer=fields.text("issuer"),
        audiences=fields.texts("audiences"),
        subject=fields.text("subject"),
        scopes=_scopes(fields.child("scopes")),
        expiry=shared(_expiry(fields.child("expiry")).over(defaults)),
    )


def _scopes(fields: Fields) -> Scopes:
    """Return those of a token. Long lists are not shared: what is kept has a number, and no size.

    Who may write one TokenCheck could write it again and again, and have 200 MiB kept.
    """
    found = Scopes(
        required=fields.texts("required"),
        allowed=fields.texts("allowed"),
        forbidden=fields.texts("forbidden"),
        asked=any(fields.values.get(k) for k in ("required", "allowed", "forbidden")),
    )
    few = len(found.required) + len(found.allowed) + len(found.forbidden) <= _FEW_SCOPES
    return shared(found) if few else found


def _source(fields: Fields) -> Source:
    given = [n for n in ("secretKeyRef", "serviceAccountToken") if fields.values.get(n) is not None]
    if len(given) != 1:
        fields.fault("", "must have exactly one of secretKeyRef and serviceAccountToken")
    source = fields.child(given[0] if given else "secretKeyRef")
    if given == ["serviceAccountToken"]:
        return ServiceAccountToken(
            audience=source.required_text("audience"),
            max_expiration=source.duration("maxExpiration"),
        )
    return SecretKeyRef(name=source.required_text("name"), key=shared(source.required_text("key")))


def _expiry(fields: Fields) -> Expiry:
    return Expiry(
        warn_before=fields.span("warnBefore"),
        fail_before=fields.span("failBefore"),
        max_lifetime=fields.duration("maxLifetime"),
        max_age=fields.span("maxAge"),
        expires_at=fields.time("expiresAt"),
    )


def _cross_check(fields: Fields, spec: Spec) -> None:
    if spec.workload is None and not spec.tokens:
        fields.fault("", "nothing to check; name a workload in workloadRef or list tokens")
    searched = spec.workload is not None and spec.discover
    if spec.tokens and not searched and all(token.use is Use.TEST for token in spec.tokens):
        fields.fault("tokens", "every token has use: Test, so nothing gates; let one be Live")
    if len(spec.tokens) > _MAX_TOKENS:
        fields.fault(
            "tokens",
            f"must have at most {_MAX_TOKENS} tokens; make a second TokenCheck for the others",
        )
    if spec.interval < _MIN_INTERVAL:
        fields.fault("interval", "must be at least 30s")
    seen: set[str] = set()
    for index, token in enumerate(spec.tokens):
        path = f"tokens[{index}]"
        if token.name in seen:
            fields.fault(f"{path}.name", "must be unique among spec.tokens")
        seen.add(token.name)
        fields.faults.extend(_token_faults(f"spec.{path}", token, spec))
    fields.faults.extend(_expiry_faults("spec.defaults.expiry", spec.default_expiry))


def _token_faults(path: str, token: TokenSpec, spec: Spec) -> list[Invalid]:
    faults = (
        []
        if token.expiry == spec.default_expiry
        else _expiry_faults(f"{path}.expiry", token.expiry)
    )
    if isinstance(token.source, ServiceAccountToken):
        if spec.workload is None:
            faults.append(
                Invalid(
                    field=f"{path}.serviceAccountToken",
                    message="is judged by the workload that mounts it; add workloadRef",
                )
            )
        if token.field is not None:
            faults.append(Invalid(field=f"{path}.field", message="needs secretKeyRef; remove it"))
    both = set(token.scopes.forbidden) & (set(token.scopes.required) | set(token.scopes.allowed))
    if both:
        faults.append(
            Invalid(
                field=f"{path}.scopes.forbidden",
                message="a scope is forbidden and required or allowed; remove it from one list",
            )
        )
    return faults


def _expiry_faults(path: str, expiry: Expiry) -> list[Invalid]:
    """A share needs a lifetime.

    With an expiresAt and no other start it is taken from the Secret's age, so it is allowed.
    """
    warn, fail = expiry.warn_before, expiry.fail_before
    faults = []
    if isinstance(warn, timedelta) and isinstance(fail, timedelta) and warn <= fail:
        faults.append(Invalid(field=f"{path}.warnBefore", message="must be longer than failBefore"))
    if isinstance(warn, Share) and isinstance(fail, Share) and warn.percent <= fail.percent:
        faults.append(
            Invalid(field=f"{path}.warnBefore", message="must be a larger share than failBefore")
        )
    if (
        isinstance(warn, Share) != isinstance(fail, Share)
        and warn is not None
        and fail is not None
        and expiry.max_lifetime
    ):
        faults.extend(_mixed_faults(path, expiry))
    if expiry.max_lifetime and isinstance(warn, timedelta) and warn >= expiry.max_lifetime:
        faults.append(
            Invalid(
                field=f"{path}.warnBefore",
                message="must be shorter than maxLifetime, else every token warns all its life",
            )
        )
    return faults


def _mixed_faults(path: str, expiry: Expiry) -> list[Invalid]:
    """A share and a duration can be compared once maxLifetime says how long a token may live."""
    longest = expiry.max_lifetime or timedelta()

    def length(span: timedelta | Share | None) -> timedelta:
        return longest * span.percent / 100 if isinstance(span, Share) else span or timedelta()

    if length(expiry.warn_before) <= length(expiry.fail_before):
        return [
            Invalid(
                field=f"{path}.warnBefore",
                message="must come before failBefore for a token of maxLifetime",
            )
        ]
    return []
