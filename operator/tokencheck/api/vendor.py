"""The vendor that a TokenProvider speaks for: whose API is asked whether a token lives."""

from dataclasses import dataclass
from enum import StrEnum

from tokencheck.api.described import Described, parse_described
from tokencheck.api.fields import Fields
from tokencheck.api.urls import Url, parse_url


class VendorType(StrEnum):
    """Vendors by the name that their tokens are recognised by (`model.facts.Facts.kind`)."""

    CLOUDFLARE = "Cloudflare"
    CLOUDFLARE_ACCOUNT = "CloudflareAccount"
    GITHUB = "GitHub"
    GITLAB = "GitLab"
    HUGGING_FACE = "HuggingFace"
    NPM = "npm"
    OPEN_AI = "OpenAI"
    SEND_GRID = "SendGrid"
    SENTRY = "Sentry"
    SLACK = "Slack"
    STRIPE = "Stripe"
    HTTP = "HTTP"  # any other, as an admin describes it


OPAQUE = "Opaque"  # the kind of tokens that say nothing of themselves


# Those that are missing have no address for all: an account's, an installation's.
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
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor and where its API is.

    Args:
        server: the address below which the vendor's paths are: its public one, or one's own
            installation's.
        described: how it is asked and what it means, of type HTTP alone.
    """

    type: VendorType
    server: Url
    described: Described | None = None

    @property
    def name(self) -> str:
        """Return what people call it."""
        return str(self.type) if self.described is None else "the API"

    @property
    def kind(self) -> str:
        """Return the kind of the only tokens that it is shown."""
        return str(self.type) if self.described is None else OPAQUE

    @property
    def places(self) -> frozenset[str]:
        """Return the one server that may be shown a token; spec.hosts is about keys."""
        return frozenset((self.server.place,))

    def at(self, path: str) -> Url:
        """Return the address of a path that begins with a slash."""
        base = self.server.path.rstrip("/")
        return Url(host=self.server.host, port=self.server.port, path=f"{base}{path}")


def parse_vendor(fields: Fields) -> Vendor | None:
    """Return the vendor; None with a fault."""
    name = fields.required_text("type")
    if name not in tuple(VendorType):
        fields.fault("type", f"must be one of {', '.join(VendorType)}")
        return None
    kind = VendorType(name)
    described = None
    if (fields.values.get("http") is not None) != (kind is VendorType.HTTP):
        fields.fault("http", f"is for type: {VendorType.HTTP}, and needed there")
        return None
    if kind is VendorType.HTTP:
        described = parse_described(fields.child("http"))
    text = fields.text("url") or _PUBLIC.get(kind)
    if text is None:
        fields.fault("url", f"is needed: {kind} has no address that is the same for all")
        return None
    url = parse_url(text)
    if isinstance(url, Url) and url.query:
        url = "must have no query: the vendor's paths are appended"
    if not isinstance(url, Url):
        fields.fault("url", url)
        return None
    return Vendor(type=kind, server=url, described=described)
