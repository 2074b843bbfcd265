"""Slack: bot, user and app tokens. An answer of 200 may say no, in ``ok``.

Source: api.slack.com, "auth.test" with its errors; the header X-OAuth-Scopes of every answer.
"""

from tokencheck.core.questions.replies import Faulted
from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said, listed
from tokencheck.model.activity import Answer
from tokencheck.model.facts import Claims
from tokencheck.model.reasons import Reason

_SCOPES = "x-oauth-scopes"
# Errors that are about the token; `not_authed` means that none arrived.
_NO = frozenset({"invalid_auth", "token_expired", "account_inactive"})
_LIMITED = frozenset({"ratelimited", "rate_limited"})


def _interpret(said: Said) -> Meaning:
    if said.status != 200:
        return None
    if said.document.get("ok") is True:
        return Answer(active=True, claims=Claims(scopes=listed(said.headers.get(_SCOPES))))
    error = said.document.get("error")
    if said.document.get("ok") is not False or not isinstance(error, str):
        return None
    if error in _LIMITED:
        return Faulted(reason=Reason.RATE_LIMITED, detail="Slack is asked too often")
    if error == "token_revoked":
        return Answer(active=False, revoked=True)
    return Answer(active=False) if error in _NO else None


SLACK = Rules(path="/api/auth.test", interpret=_interpret, wants=(_SCOPES,))
