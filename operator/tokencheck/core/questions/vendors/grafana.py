"""Grafana, one's own: tokens of service accounts, and API keys of older releases.

One that may not read its organisation is told so, and lives. Neither end nor rights are told.
Source: grafana.com, "Organization HTTP API"; Grafana's own pkg/services/authn, ``api-key.*``.
"""

from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said
from tokencheck.model.activity import Answer


def _interpret(said: Said) -> Meaning:
    if said.status == 200 and isinstance(said.document.get("id"), int):
        return Answer(active=True)
    if said.status == 403 and isinstance(said.document.get("accessErrorId"), str):
        return Answer(active=True)
    why = said.document.get("messageId")
    if said.status == 401 and why in ("api-key.invalid", "api-key.expired", "api-key.revoked"):
        return Answer(active=False, revoked=why == "api-key.revoked")
    return None  # "Unauthorized" is what somebody without a token hears


GRAFANA = Rules(path="/api/org", interpret=_interpret)
