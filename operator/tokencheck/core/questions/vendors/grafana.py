"""Grafana, by one's own address: tokens of service accounts, of the organisation that it names.

``GET /api/user`` lets nobody in without signing in, where anonymous access is on too: a token that
is gone would live by any other path there. A yes is told of a service account alone, for a proxy
may sign somebody else in. Of a token that is gone most versions say the ``Unauthorized`` that they
say without one and while their database is away. Those that say more look for it in one
organisation, the first where none is named: `Answer.stranger`. Neither end nor scopes are told.
Source: Grafana's own pkg/services/authn/clients/api_key.go, pkg/middleware/auth.go and
pkg/api/user.go.
"""

from tokencheck.core.questions.replies import Faulted
from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said
from tokencheck.model.activity import Answer
from tokencheck.model.reasons import Reason

_SERVICE_ACCOUNT = "sa-"  # how the login of each begins
_NO = {
    "api-key.expired": Answer(active=False),
    "api-key.revoked": Answer(active=False, revoked=True),
    "api-key.invalid": Answer(active=False, stranger=True),
}


def _interpret(said: Said) -> Meaning:
    if said.status == 200:
        login = said.document.get("login")
        known = isinstance(login, str) and login.startswith(_SERVICE_ACCOUNT)
        return Answer(active=True) if known else None
    if said.status != 401:
        return None
    told = said.document.get("messageId")
    if isinstance(told, str) and told in _NO:
        return _NO[told]
    return _unauthorized() if said.document.get("message") == "Unauthorized" else None


def _unauthorized() -> Faulted:
    return Faulted(
        reason=Reason.UNEXPECTED_ANSWER,
        detail="Grafana says Unauthorized, of a token that is gone as of none at all, and while "
        "its database is away: look in Grafana whether the service account still has it",
        of_token=True,
    )


GRAFANA = Rules(path="/api/user", interpret=_interpret)
