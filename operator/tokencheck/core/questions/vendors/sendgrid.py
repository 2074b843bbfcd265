"""SendGrid: every key may ask for its own scopes. A key of 200 and more tells them all or none.

Source: twilio.com, "Retrieve a list of scopes for which this user has access"; the help page on
4XX errors: a key that is deleted and one that never was are told in the same words.
"""

from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said, scopes_of
from tokencheck.model.activity import Answer
from tokencheck.model.facts import Claims

_NO = "The provided authorization grant is invalid, expired, or revoked"


def _interpret(said: Said) -> Meaning:
    if said.status == 200 and isinstance(said.document.get("scopes"), list):
        return Answer(active=True, claims=Claims(scopes=scopes_of(said.document["scopes"])))
    errors = said.document.get("errors")
    if said.status == 401 and isinstance(errors, list):
        told = [one.get("message") for one in errors if isinstance(one, dict)]
        return Answer(active=False) if told == [_NO] else None  # "authorization required": of none
    return None


SENDGRID = Rules(path="/v3/scopes", interpret=_interpret)
