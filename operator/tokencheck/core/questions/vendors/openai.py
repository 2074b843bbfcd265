"""OpenAI: a key that may not list the models is told so, and lives. Its rights are not told.

Source: platform.openai.com, "API reference", "List models", "Error codes".
"""

from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said
from tokencheck.model.activity import Answer

_LIVES = "Missing scopes"


def _interpret(said: Said) -> Meaning:
    if said.status == 200:
        return Answer(active=True) if said.document.get("object") == "list" else None
    error = said.document.get("error")
    if said.status not in (401, 403) or not isinstance(error, dict):
        return None
    message = error.get("message")
    if isinstance(message, str) and _LIVES in message:
        return Answer(active=True)
    refused = said.status == 401 and error.get("code") == "invalid_api_key"
    return Answer(active=False) if refused else None


OPENAI = Rules(path="/v1/models", interpret=_interpret)
