"""Cloudflare: API tokens of users and, below https://…/client/v4/accounts/ID, of accounts.

The address of users calls a good token of an account invalid, so each kind has its own; a token in
the older form, 40 characters without a prefix, is not told from other text. What a token may do is
not told. Source: developers.cloudflare.com, "Verify Token" of users and of accounts.
"""

from datetime import datetime

from tokencheck.api.quantity import parse_time
from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said
from tokencheck.model.activity import Answer
from tokencheck.model.facts import Claims

_INVALID_TOKEN = 1000


def _interpret(said: Said) -> Meaning:
    result = said.document.get("result")
    if said.status == 200 and said.document.get("success") is True and isinstance(result, dict):
        state = result.get("status")
        if state == "active":
            return Answer(active=True, claims=Claims(expires_at=_end(result)))
        if state in ("disabled", "expired"):
            return Answer(active=False, revoked=state == "disabled")
    errors = said.document.get("errors")
    if said.status in (400, 401, 403) and isinstance(errors, list):
        codes = [one.get("code") for one in errors if isinstance(one, dict)]
        return Answer(active=False) if codes == [_INVALID_TOKEN] else None
    return None


def _end(result: dict[str, object]) -> datetime | None:
    end = result.get("expires_on")
    return parse_time(end) if isinstance(end, str) else None


CLOUDFLARE = Rules(path="/tokens/verify", interpret=_interpret)
