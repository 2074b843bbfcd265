"""All vendors."""

from collections.abc import Mapping
from types import MappingProxyType

from tokencheck.api.vendor import VendorType
from tokencheck.core.questions.vendors.github import GITHUB
from tokencheck.core.questions.vendors.gitlab import GITLAB
from tokencheck.core.questions.vendors.npm import NPM
from tokencheck.core.questions.vendors.rules import Rules
from tokencheck.core.questions.vendors.slack import SLACK

VENDORS: Mapping[VendorType, Rules] = MappingProxyType(
    {
        VendorType.GITHUB: GITHUB,
        VendorType.GITLAB: GITLAB,
        VendorType.NPM: NPM,
        VendorType.SLACK: SLACK,
    }
)
