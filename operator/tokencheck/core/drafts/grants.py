"""What somebody else has to do before a suggested TokenCheck can tell the whole truth."""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from tokencheck.api.tokencheck import SecretKeyRef
from tokencheck.core.drafts.yaml import comment, name_of, quoted, scalar
from tokencheck.model.assessment import TokenAssessment
from tokencheck.model.evidence import Denied, Held
from tokencheck.model.workload import Workload


def grants(
    workload: Workload, tokens: Sequence[TokenAssessment], providers: Mapping[str, str]
) -> Iterator[str]:
    """Yield comments: what was not read, what the operator must read, who must vouch."""
    secrets = sorted({name for token in tokens if (name := _secret_of(token))})
    denied = sorted(
        {t.evidence.holding.what for t in tokens if isinstance(t.evidence.holding, Denied)}
    )
    for what in denied:
        yield comment(f"You may not read {what}, so what it holds is not known here.")
    yield comment("")
    yield comment("What an admin has to see to:")
    if secrets:
        named = ",".join(f"{workload.namespace}/{name}" for name in secrets)
        yield comment(f"- The operator must be able to read {named}. With secrets.scope: cluster")
        yield comment("  it can; with namespaces or named, add the namespace or these Secrets.")
    yield comment("- Who applies this needs the right to create tokenchecks in the namespace.")
    for issuer in _strangers(tokens, providers):
        yield from _provider(issuer, workload.namespace)


def _secret_of(token: TokenAssessment) -> str:
    source = token.evidence.spec.source
    return source.name if isinstance(source, SecretKeyRef) else ""


def _strangers(tokens: Sequence[TokenAssessment], providers: Mapping[str, str]) -> Iterator[str]:
    """Yield the issuers for which no TokenProvider was found, each once."""
    seen = set(providers)
    for token in tokens:
        holding = token.evidence.holding
        claims = holding.facts.claims if isinstance(holding, Held) else None
        if claims is not None and claims.issuer and claims.issuer not in seen:
            seen.add(claims.issuer)
            yield claims.issuer


def _provider(issuer: str, namespace: str) -> Iterator[str]:
    name = scalar(name_of(_host_of(issuer) or issuer, ()))
    lines = (
        f"- No TokenProvider vouches here for issuer {quoted(issuer)}, so only shape and dates",
        "  are checked (LocalChecksOnly). An admin makes one, with the keys of the issuer's JWKS:",
        "    apiVersion: tokencheck.dev/v1alpha1",
        "    kind: TokenProvider",
        f"    metadata: {{name: {name}}}",
        "    spec:",
        "      allowedNamespaces:",
        f"        selector: {{matchLabels: {{kubernetes.io/metadata.name: {scalar(namespace)}}}}}",
        "      jwt:",
        f"        issuer: {scalar(issuer)}",
        "        keys: {type: Inline, jwks: {keys: []}}",
        f"  Then add providerRef: {{name: {name}}} to its tokens below, and take the # off what is",
        "  expected of them.",
    )
    for line in lines:
        yield comment(line)


def _host_of(issuer: str) -> str:
    try:
        return urlsplit(issuer).hostname or ""
    except ValueError:
        return ""
