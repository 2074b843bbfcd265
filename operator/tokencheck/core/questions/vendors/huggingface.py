"""Hugging Face: the role of a token is its scope; what a fine-grained one may do is not read.

Source: huggingface.co, "User access tokens"; huggingface_hub, ``whoami`` and its errors.
"""

from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said
from tokencheck.model.activity import Answer
from tokencheck.model.facts import Claims

_ROLES = ("read", "write")
_NO = "Invalid credentials in Authorization header"


def _interpret(said: Said) -> Meaning:
    if said.status == 401 and said.document.get("error") == _NO:
        return Answer(active=False)
    auth = said.document.get("auth")
    token = auth.get("accessToken") if isinstance(auth, dict) else None
    if said.status != 200 or not isinstance(token, dict):
        return None  # who shows no token, or signed in another way
    role = token.get("role")
    return Answer(active=True, claims=Claims(scopes=(role,) if role in _ROLES else None))


HUGGINGFACE = Rules(path="/api/whoami-v2", interpret=_interpret, implies={"write": ("read",)})
