"""The ways in which a token is shown, and all that must be heard by nobody else."""

from __future__ import annotations

import base64

from tokencheck.model.asking import Client, Credential, Form
from tokencheck.model.sealed import Sealed

TOKEN = "canary-Zq7Jm2Vx9Lw4Tc8Rb6Nd1Kf3"
CLIENT = ("canary-operator", "canary-Hs5Yp0Wu3Gk8Ea1Xo7Mv2Ci6")  # the operator's own credentials
_BASIC = base64.b64encode(":".join(CLIENT).encode()).decode()

# How a token is shown -> each text that arrives with the question.
SHOWN = {
    "header": (TOKEN,),
    "Basic": (TOKEN, _BASIC),
    "Post": (TOKEN, *CLIENT),
    "JSON": (TOKEN, CLIENT[1]),
}
BODIES = ("Basic", "Post", "JSON")
SECRETS = (TOKEN, _BASIC, CLIENT[1])


def shown(way: str, token: str) -> tuple[Credential | Client | None, Form | None]:
    """What stands in a header and in the body of a question, as providers ask for it."""
    text, (name, secret) = Sealed(token.encode()), (Sealed(one.encode()) for one in CLIENT)
    hint = ("token_type_hint", "access_token")
    match way:
        case "header":
            return Credential(value=text), None
        case "Basic":
            return Client(id=name, secret=secret), Form(fields=(("token", text), hint))
        case "Post":
            pair = (("client_id", name), ("client_secret", secret))
            return None, Form(fields=(("token", text), hint, *pair))
    own = Credential(value=secret, header="X-Vault-Token", scheme="")
    return own, Form(fields=(("token", text),), json=True)
