"""Sentry, by its public address or one's own: tokens of users and of organisations.

The root of the API says as whom one is seen, and with which scopes. Source: docs.sentry.io,
"Permissions & Scopes"; Sentry's own api/endpoints/index.py and api/authentication.py.
"""

from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said, scopes_of
from tokencheck.model.activity import Answer
from tokencheck.model.facts import Claims

_NO = ("Invalid token", "Invalid org token", "Token expired")
_KINDS = ("org", "project", "team", "member", "event")


def _interpret(said: Said) -> Meaning:
    if said.status == 401 and said.document.get("detail") in _NO:
        return Answer(active=False)
    auth = said.document.get("auth")
    if said.status != 200 or not isinstance(auth, dict):
        return None  # without a token it is null
    return Answer(active=True, claims=Claims(scopes=scopes_of(auth.get("scopes"))))


SENTRY = Rules(
    path="/api/0/",
    interpret=_interpret,
    implies={f"{kind}:admin": (f"{kind}:write",) for kind in _KINDS}
    | {f"{kind}:write": (f"{kind}:read",) for kind in _KINDS},
)
