"""The vendor that a TokenProvider speaks for: whose API is asked whether a token lives."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from tokencheck.api.described import Described, parse_described
from tokencheck.api.fields import Fields
from tokencheck.api.registry import Registry, parse_registry
from tokencheck.api.urls import Url, parse_url


class VendorType(StrEnum):
    """Vendors by name; most have it from the kind of their tokens (`model.facts.Facts.kind`)."""

    CLOUDFLARE = "Cloudflare"
    CLOUDFLARE_ACCOUNT = "CloudflareAccount"
    DATADOG = "Datadog"
    GITHUB = "GitHub"
    GITLAB = "GitLab"
    GRAFANA = "Grafana"
    HUGGING_FACE = "HuggingFace"
    KUBERNETES = "Kubernetes"  # the API server of the operator's own cluster
    NPM = "npm"
    OPEN_AI = "OpenAI"
    REGISTRY = "Registry"  # of container images; its token server or itself
    SEND_GRID = "SendGrid"
    SENTRY = "Sentry"
    SLACK = "Slack"
    STRIPE = "Stripe"
    TERRAFORM_CLOUD = "TerraformCloud"  # and Terraform Enterprise
    VAULT = "Vault"  # and OpenBao
    HTTP = "HTTP"  # any other, as an admin describes it


OPAQUE = "Opaque"  # the kind of tokens that say nothing of themselves
OWN_TOKEN = "token"  # the key of the Secret with the operator's own
_API = "/v1"  # of Vault; what follows is a namespace
# Of a registry. Source: OCI Distribution Specification, "Determining Support".
_BASE = "/v2/"
_ORGANISATION = re.compile(r"targetOrgId=[1-9][0-9]{0,18}")  # of Grafana
SERVICE_ACCOUNT = ("ServiceAccountToken", "LegacyServiceAccountToken")
# Who signs in to an API server may do so by his own issuer, by a list or by a webhook too. Source:
# kubernetes.io, "Authenticating".
_BEARER = (*SERVICE_ACCOUNT, "JWT", OPAQUE)
_UNTOLD = (VendorType.DATADOG, VendorType.HTTP)  # their tokens have no form of their own
# What one type alone has, and needs.
_OWN = {
    "http": VendorType.HTTP,
    "registry": VendorType.REGISTRY,
    "credentialsRef": VendorType.VAULT,
}
_DATADOG_DIGITS = 32  # of an API key; an application key has 40


# Those that are missing have no address for all: an account's, a site's, an installation's.
_PUBLIC = {
    VendorType.CLOUDFLARE: "https://api.cloudflare.com/client/v4/user",
    VendorType.GITHUB: "https://api.github.com",
    VendorType.GITLAB: "https://gitlab.com",
    VendorType.HUGGING_FACE: "https://huggingface.co",
    VendorType.NPM: "https://registry.npmjs.org",
    VendorType.OPEN_AI: "https://api.openai.com",
    VendorType.SEND_GRID: "https://api.sendgrid.com",
    VendorType.SENTRY: "https://sentry.io",
    VendorType.SLACK: "https://slack.com",
    VendorType.STRIPE: "https://api.stripe.com",
    VendorType.TERRAFORM_CLOUD: "https://app.terraform.io",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor and where its API is.

    Args:
        server: the address below which the vendor's paths are: its public one, or one's own
            installation's; None where the operator's own API server is asked, over its own road.
        described: how it is asked and what it means, of type HTTP alone.
        credentials: name of a Secret in the operator's own namespace, with the key token: of type
            Vault alone, which answers the operator.
        registry: whose logins they are, of type Registry alone; `server` is its token server, or
            itself.
    """

    type: VendorType
    server: Url | None
    described: Described | None = None
    credentials: str | None = None
    registry: Registry | None = None

    @property
    def name(self) -> str:
        """Return what people call it."""
        if self.server is None:
            return "the API server"
        if self.registry is not None:
            return f"the registry {self.registry.host}"
        return str(self.type) if self.described is None else "the API"

    @property
    def formless(self) -> bool:
        """Return whether its tokens cannot be told from any other text."""
        return OPAQUE in self.kinds

    @property
    def by_capability(self) -> bool:
        """Return whether scopes such as ``read:secret/data/shop`` are asked about one by one."""
        return self.type is VendorType.VAULT

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of the only tokens that it is shown."""
        if self.server is None:
            return _BEARER
        return (OPAQUE if self.type in _UNTOLD else str(self.type),)

    @property
    def digits(self) -> int:
        """Return how many hexadecimal digits its tokens are, where nothing else tells them."""
        return _DATADOG_DIGITS if self.type is VendorType.DATADOG else 0

    @property
    def places(self) -> frozenset[str]:
        """Return the one server that may be shown a token; spec.hosts is about keys."""
        return frozenset((self.server.place,) if self.server else ())

    def names(self, host: str) -> bool:
        """Return whether it is the registry of this name."""
        return self.registry is not None and self.registry.host == host

    def at(self, path: str) -> Url:
        """Return the address of a path that begins with a slash."""
        assert self.server is not None  # noqa: S101 - the API server is asked elsewhere
        base = self.server.path.rstrip("/")
        return replace(self.server, path=f"{base}{path}")


def parse_vendor(fields: Fields) -> Vendor | None:
    """Return the vendor; None with a fault."""
    name = fields.required_text("type")
    if name not in tuple(VendorType):
        fields.fault("type", f"must be one of {', '.join(VendorType)}")
        return None
    kind = VendorType(name)
    if kind is VendorType.KUBERNETES:
        return _own_api_server(fields)
    if _misplaced(fields, kind):
        return None
    described = parse_described(fields.child("http")) if kind is VendorType.HTTP else None
    registry = parse_registry(fields.child("registry")) if kind is VendorType.REGISTRY else None
    vault = kind is VendorType.VAULT
    own = fields.child("credentialsRef").required_text("name") if vault else None
    url = _url(fields, kind, itself=registry is not None and registry.service is None)
    if url is None:
        return None
    return Vendor(type=kind, server=url, described=described, credentials=own, registry=registry)


def _misplaced(fields: Fields, kind: VendorType) -> bool:
    """Return whether a field of one type alone is with another, or missing; then there is a fault.

    Of the first one; the others may be right once that is.
    """
    for name, owner in _OWN.items():
        if (fields.values.get(name) is not None) != (kind is owner):
            fields.fault(name, f"is for type: {owner}, and needed there")
            return True
    return False


def _own_api_server(fields: Fields) -> Vendor:
    for name in ("url", *_OWN):
        if fields.values.get(name) is not None:
            fields.fault(name, "is none of Kubernetes: the operator asks its own API server")
    return Vendor(type=VendorType.KUBERNETES, server=None)


def _url(fields: Fields, kind: VendorType, *, itself: bool) -> Url | None:
    text = fields.text("url") or _PUBLIC.get(kind)
    if text is None:
        fields.fault("url", f"is needed: {kind} has no address that is the same for all")
        return None
    url = parse_url(text)
    fault = url if isinstance(url, str) else _fault(kind, url, itself=itself)
    if isinstance(url, str) or fault:
        fields.fault("url", fault)
        return None
    return url


def _fault(kind: VendorType, url: Url, *, itself: bool) -> str:
    """Return why the vendor cannot be there; empty when it can.

    Args:
        itself: whether a registry is asked, and not its token server.
    """
    if kind is VendorType.GRAFANA:
        named = _ORGANISATION.fullmatch(url.query)
        return "" if named else "must end with ?targetOrgId=1, or the organisation of the tokens"
    if url.query:
        return "must have no query: the vendor's paths are appended"
    if kind is VendorType.VAULT and not f"{url.path}/".startswith(f"{_API}/"):
        return f"must end with {_API}, where Vault's API is, or with {_API}/ and a namespace"
    if itself and not url.path.endswith(_BASE):
        return "must end with /v2/: without registry.service it is the registry that is asked"
    return ""
