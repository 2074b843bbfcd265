"""Datadog: API keys, asked about at their site. Neither end nor scopes are told.

A key has no form of its own: of those that a TokenCheck lists, only texts of as many hexadecimal
digits are shown (`Vendor.digits`): an application key, which is none, would be called forbidden
while it lives. Somebody who shows no key hears "API key required". Source:
docs.datadoghq.com, "Validate API key"; the answers that Datadog's own client libraries recorded.
"""

from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said
from tokencheck.model.activity import Answer

_NO = ["Forbidden"]
_WHY = "revoked, mistyped, or of another site"


def _interpret(said: Said) -> Meaning:
    if said.status == 200:
        return Answer(active=True) if said.document.get("valid") is True else None
    refused = said.status == 403 and said.document.get("errors") == _NO
    return Answer(active=False, why=_WHY) if refused else None


DATADOG = Rules(path="/api/v1/validate", interpret=_interpret, header="DD-API-KEY", scheme="")
