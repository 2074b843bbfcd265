"""HCP Terraform, and Terraform Enterprise by its address: tokens of users, teams, organisations.

Whoever shows a token of a team or an organisation is told of its service user. 401 is about the
token alone; what a token may not do is a 404, so one of another kind (of agents, of audit trails)
that hears it is not dead. Somebody who shows none hears the same 401 as a bad one, and nothing
tells an installation's tokens from another's: a no is that of a stranger. Neither end nor rights
are told. Source: developer.hashicorp.com, "API documentation", "Authentication", and "Account
API"; the server that Terraform's own tests of ``terraform login`` run.
"""

from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said
from tokencheck.model.activity import Answer

_NO = ("401", "unauthorized")


def _interpret(said: Said) -> Meaning:
    data = said.document.get("data")
    if said.status == 200 and isinstance(data, dict):
        user = data.get("type") == "users" and isinstance(data.get("id"), str)
        return Answer(active=True) if user else None
    errors = said.document.get("errors")
    if said.status != 401 or not isinstance(errors, list):
        return None
    told = [(one.get("status"), one.get("title")) for one in errors if isinstance(one, dict)]
    return Answer(active=False, stranger=True) if told == [_NO] else None


TERRAFORM = Rules(path="/api/v2/account/details", interpret=_interpret)
