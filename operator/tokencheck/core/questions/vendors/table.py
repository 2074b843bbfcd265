"""All vendors."""

from collections.abc import Mapping
from types import MappingProxyType

from tokencheck.api.tokenprovider import TokenProvider
from tokencheck.api.vendor import Vendor, VendorType
from tokencheck.core.questions.vendors.cloudflare import CLOUDFLARE
from tokencheck.core.questions.vendors.datadog import DATADOG
from tokencheck.core.questions.vendors.described import rules_of
from tokencheck.core.questions.vendors.github import GITHUB
from tokencheck.core.questions.vendors.gitlab import GITLAB
from tokencheck.core.questions.vendors.grafana import GRAFANA
from tokencheck.core.questions.vendors.huggingface import HUGGINGFACE
from tokencheck.core.questions.vendors.npm import NPM
from tokencheck.core.questions.vendors.openai import OPENAI
from tokencheck.core.questions.vendors.registry import IMPLIES
from tokencheck.core.questions.vendors.rules import Rules
from tokencheck.core.questions.vendors.sendgrid import SENDGRID
from tokencheck.core.questions.vendors.sentry import SENTRY
from tokencheck.core.questions.vendors.slack import SLACK
from tokencheck.core.questions.vendors.stripe import STRIPE
from tokencheck.core.questions.vendors.terraform import TERRAFORM
from tokencheck.core.questions.vendors.vault import VAULT

VENDORS: Mapping[VendorType, Rules] = MappingProxyType(
    {
        VendorType.CLOUDFLARE: CLOUDFLARE,
        VendorType.CLOUDFLARE_ACCOUNT: CLOUDFLARE,
        VendorType.DATADOG: DATADOG,
        VendorType.GITHUB: GITHUB,
        VendorType.GITLAB: GITLAB,
        VendorType.GRAFANA: GRAFANA,
        VendorType.HUGGING_FACE: HUGGINGFACE,
        VendorType.NPM: NPM,
        VendorType.OPEN_AI: OPENAI,
        VendorType.SEND_GRID: SENDGRID,
        VendorType.SENTRY: SENTRY,
        VendorType.SLACK: SLACK,
        VendorType.STRIPE: STRIPE,
        VendorType.TERRAFORM_CLOUD: TERRAFORM,
        VendorType.VAULT: VAULT,
    }
)


def implied_by(provider: TokenProvider) -> Mapping[str, tuple[str, ...]]:
    """Return which scopes include others: as the vendor has it, and as the admin does before."""
    return {**_known(provider.vendor), **provider.implies}


def _known(vendor: Vendor | None) -> Mapping[str, tuple[str, ...]]:
    if vendor is None or vendor.server is None:
        return {}
    return rules_for(vendor).implies if vendor.registry is None else IMPLIES


def rules_for(vendor: Vendor) -> Rules:
    """Return how the vendor is asked, and what its answers mean; registries are asked elsewhere."""
    return VENDORS[vendor.type] if vendor.described is None else rules_of(vendor.described)
