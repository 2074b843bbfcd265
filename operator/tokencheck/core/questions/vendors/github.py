"""GitHub, and GitHub Enterprise Server below https://HOST/api/v3.

``GET /user`` is asked: an installation token (``ghs_``) is accepted there, and told that it has no
user. Fine-grained tokens and installation tokens tell no scopes; what is not told is unknown.
Source: docs.github.com, "Authenticating to the REST API", "Scopes for OAuth apps", "Token
expiration and revocation".
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tokencheck.core.questions.replies import Faulted
from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said, listed
from tokencheck.model.activity import Answer
from tokencheck.model.facts import Claims
from tokencheck.model.reasons import Reason

_EXPIRY = "github-authentication-token-expiration"
_SCOPES = "x-oauth-scopes"
_LEFT = "x-ratelimit-remaining"
# Classic tokens are told in the first form, all others in the second.
_FORMS = ("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S %z")
_NO_USER = "Resource not accessible by integration"


def _interpret(said: Said) -> Meaning:
    message = said.document.get("message")
    if said.status == 401 and message == "Bad credentials":
        return Answer(active=False)  # without a token it says "Requires authentication"
    if said.status == 403 and said.headers.get(_LEFT) == "0":
        return Faulted(reason=Reason.RATE_LIMITED, detail="GitHub is asked too often (HTTP 403)")
    user = said.status == 200 and isinstance(said.document.get("login"), str)
    if user or (said.status == 403 and message == _NO_USER):
        scopes = listed(said.headers.get(_SCOPES))
        return Answer(active=True, claims=Claims(scopes=scopes, expires_at=_end(said)))
    return None


def _end(said: Said) -> datetime | None:
    """Return when the token ends; an end that equals the answer's own time says nothing."""
    text = said.headers.get(_EXPIRY, "")
    for form in _FORMS:
        try:
            moment = datetime.strptime(text, form)  # noqa: DTZ007 - the first form is UTC by its name
            end = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        return None if end == _date(said) else end
    return None


def _date(said: Said) -> datetime | None:
    try:
        return parsedate_to_datetime(said.headers.get("date", ""))
    except ValueError:
        return None


_IMPLIES = {
    "repo": ("repo:status", "repo_deployment", "public_repo", "repo:invite", "security_events"),
    "user": ("read:user", "user:email", "user:follow"),
    "write:packages": ("read:packages",),
    "project": ("read:project",),
    "codespace": ("codespace:secrets",),
    **{
        f"{more}:{what}": (f"{less}:{what}",)
        for what in ("org", "public_key", "repo_hook", "gpg_key", "ssh_signing_key")
        for more, less in (("admin", "write"), ("write", "read"))
    },
}

GITHUB = Rules(
    path="/user",
    interpret=_interpret,
    wants=(_EXPIRY, _SCOPES, _LEFT, "date"),
    implies=_IMPLIES,
)
