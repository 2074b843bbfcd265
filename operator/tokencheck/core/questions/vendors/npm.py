"""The npm registry, or another one that speaks its protocol. Neither end nor rights are told.

Source: the npm registry's API (``npm whoami``).
"""

from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said
from tokencheck.model.activity import Answer


def _interpret(said: Said) -> Meaning:
    name = said.document.get("username")
    if said.status == 200 and isinstance(name, str) and name:
        return Answer(active=True)
    return Answer(active=False) if said.status == 401 else None


NPM = Rules(path="/-/whoami", interpret=_interpret)
