"""One listed token: from its Secret, through the field, to the facts of its text."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tokencheck.api.tokencheck import ANNOTATION_ACCEPT_DRIFT, SecretKeyRef, TokenCheck, TokenSpec
from tokencheck.core.tokens.documents import select_steps
from tokencheck.core.tokens.read import read_token
from tokencheck.core.workloads.pods import stale_pods
from tokencheck.gather.capabilities import with_capabilities
from tokencheck.gather.changes import change_of
from tokencheck.gather.lives import with_activity
from tokencheck.gather.permissions import with_permissions
from tokencheck.gather.registries import with_login
from tokencheck.gather.sources import Sources
from tokencheck.gather.turns import in_turns
from tokencheck.model.evidence import (
    Absent,
    Baseline,
    Denied,
    Held,
    Projected,
    SecretContent,
    StalePods,
    TokenEvidence,
    Unread,
)
from tokencheck.model.facts import Facts, Family, Problem
from tokencheck.model.keys import Key
from tokencheck.model.ports import Remembered
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import Trust
from tokencheck.model.workload import PodRecord, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read for one pass."""

    check: TokenCheck
    secrets: Mapping[str, SecretContent | Unread]
    pods: tuple[PodRecord, ...] | Unread
    sources: Sources
    now: datetime

    @property
    def key(self) -> Key:
        """Return the check's own key."""
        return Key("TokenCheck", self.check.namespace, self.check.name)

    def stored(self, token: str) -> Mapping[str, Any]:
        """Return the token's entry of the stored status, or an empty mapping."""
        return next(
            (t for t in self.check.status.get("tokens") or () if t.get("name") == token), {}
        )

    def baseline(self, token: str) -> Baseline | None:
        """Return what was accepted of the token, whether or not it can be read now."""
        remembered = self.sources.memory.recall(self.key, token)
        subject = remembered.subject if remembered else None
        return baseline_of_status(self.stored(token).get("baseline"), subject)


async def listed(
    reading: Reading, spec: TokenSpec, sites: tuple[Site, ...], trust: Trust
) -> TokenEvidence:
    """Return the evidence of a token that the spec names."""
    if not isinstance(spec.source, SecretKeyRef):
        return TokenEvidence(
            spec=spec,
            source=f"service-account token for audience {spec.source.audience}",
            holding=Projected(sites=sites),
            trust=trust,
            sites=sites,
        )
    content = reading.secrets[spec.source.name]
    bare = TokenEvidence(
        spec=spec,
        source=source_of(reading.check.namespace, spec.source, spec.field),
        holding=Absent(what="", key_only=True),
        trust=trust,
        sites=sites,
        # Else one read that failed would end it, and what came meanwhile would be the first token.
        baseline=reading.baseline(spec.name),
    )
    if not isinstance(content, SecretContent):
        return replace(bare, holding=content)
    text = await _text(content, spec.source.key, spec.field)
    if text is None:
        return replace(bare, holding=Absent(what=bare.source, key_only=True))
    if isinstance(text, Problem):
        facts = Facts(kind=Family.OPAQUE, family=Family.OPAQUE, problems=(text,))
        return replace(bare, holding=Held(facts=facts, secret=content.meta))
    facts = read_token(text, trust, fingerprint_key=reading.sources.fingerprint_key)
    evidence = evidence_of(reading, bare, content, facts)
    value, sources = content.values[spec.source.key], reading.sources
    evidence, text = await with_login(evidence, text, value, spec.field or "", sources)
    told = with_activity(reading.check, evidence, text, sources, reading.now)
    if trust.by_capability:
        return with_capabilities(told)
    return await with_permissions(reading.check, told, sources, reading.now)


async def _text(content: SecretContent, key: str, field: str | None) -> Sealed | Problem | None:
    value = content.values.get(key)
    if value is None or field is None:
        return value
    return await in_turns(select_steps(value, field))


def source_of(namespace: str, ref: SecretKeyRef, field: str | None) -> str:
    """Return where a token is, for people."""
    place = f'Secret {namespace}/{ref.name} key "{ref.key}"'
    return f"{place} field {field}" if field else place


def evidence_of(
    reading: Reading, bare: TokenEvidence, content: SecretContent, facts: Facts
) -> TokenEvidence:
    """Return `bare` with what its text says; what this process saw of it is remembered."""
    name = bare.spec.name
    stored = reading.stored(name)
    remembered = reading.sources.memory.recall(reading.key, name)
    meta = change_of(remembered, stored, content.meta, facts.fingerprint, reading.now)
    subject = remembered.subject if remembered else None
    reading.sources.memory.remember(
        reading.key,
        name,
        Remembered(
            secret_uid=meta.uid,
            fingerprint=facts.fingerprint,
            changed_at=meta.changed_at,
            witnessed=meta.witnessed,
            subject=subject,
        ),
    )
    return replace(
        bare,
        holding=Held(facts=facts, secret=meta),
        stale=_stale(reading, bare.sites, meta.changed_at, witnessed=meta.witnessed),
        baseline=baseline_of_status(stored.get("baseline"), subject),
        drift_accepted=accepted(reading.check, meta.resource_version),
    )


def _stale(
    reading: Reading, sites: tuple[Site, ...], changed_at: datetime, *, witnessed: bool
) -> StalePods:
    if not any(site.keeps_old for site in sites):
        return StalePods()
    if not isinstance(reading.pods, tuple):
        return StalePods(applies=True, denied=isinstance(reading.pods, Denied), certain=False)
    return stale_pods(sites, changed_at, witnessed, reading.pods)


def accepted(check: TokenCheck, resource_version: str) -> bool:
    """Return whether a drift is accepted: by the Secret's version, or by a new spec."""
    return (
        check.annotations.get(ANNOTATION_ACCEPT_DRIFT) == resource_version
        or check.status.get("observedGeneration") != check.generation
    )


def baseline_of_status(stored: object, subject: str | None) -> Baseline | None:
    """Return the baseline that a stored status holds; the subject comes from this process."""
    if not isinstance(stored, Mapping):
        return None
    audiences, scopes = stored.get("audiences"), stored.get("scopes")
    return Baseline(
        issuer=stored.get("issuer"),
        audiences=tuple(audiences) if audiences is not None else None,
        scopes=tuple(scopes) if scopes is not None else None,
        lifetime_seconds=stored.get("lifetimeSeconds"),
        algorithm=stored.get("algorithm"),
        kind=stored.get("kind", ""),
        subject=subject,
    )
