"""Stripe: secret keys, and restricted ones, of which one that may not read the balance lives.

What a restricted key may do is not told. Source: docs.stripe.com, "API keys", "Retrieve balance",
"Error codes".
"""

from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said
from tokencheck.model.activity import Answer

# Both messages go on with a part of the key, which nobody repeats.
_NO, _LIVES = "Invalid API Key provided", "does not have the required permissions"


def _interpret(said: Said) -> Meaning:
    if said.status == 200:
        return Answer(active=True) if said.document.get("object") == "balance" else None
    error = said.document.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    if not isinstance(error, dict) or not isinstance(message, str):
        return None
    if said.status == 403 and _LIVES in message:
        return Answer(active=True)
    refused = error.get("code") == "api_key_expired" or message.startswith(_NO)
    return Answer(active=False) if said.status == 401 and refused else None


STRIPE = Rules(path="/v1/balance", interpret=_interpret)
