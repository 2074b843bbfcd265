"""GitLab, by its public address or one's own: personal, project and group access tokens.

The answer tells everything at once. ``expires_at`` is a date: the token ends when that day begins,
in UTC. Source: docs.gitlab.com, "Personal access tokens API", "Get details on a personal access
token".
"""

from datetime import UTC, date, datetime, time

from tokencheck.core.questions.vendors.rules import Meaning, Rules, Said, scopes_of
from tokencheck.model.activity import Answer
from tokencheck.model.facts import Claims


def _interpret(said: Said) -> Meaning:
    if said.status == 401:
        return _refused(said)
    if said.status == 403 and said.document.get("error") == "insufficient_scope":
        return Answer(active=True)  # it may not even look at itself
    active, revoked = (said.document.get(name) for name in ("active", "revoked"))
    if said.status != 200 or not isinstance(active, bool):
        return None
    if not active:
        return Answer(active=False, revoked=revoked is True)
    scopes = scopes_of(said.document.get("scopes"))
    return Answer(active=True, claims=Claims(scopes=scopes, expires_at=_end(said)))


def _refused(said: Said) -> Meaning:
    """Return that it is refused, and for certain revoked only where GitLab says so."""
    if said.document.get("error") == "invalid_token":
        why = said.document.get("error_description")
        return Answer(active=False, revoked=isinstance(why, str) and "revoked" in why)
    return Answer(active=False) if said.document.get("message") == "401 Unauthorized" else None


def _end(said: Said) -> datetime | None:
    text = said.document.get("expires_at")
    try:
        return datetime.combine(date.fromisoformat(str(text)), time(), UTC)
    except ValueError:
        return None


GITLAB = Rules(
    path="/api/v4/personal_access_tokens/self",
    interpret=_interpret,
    header="PRIVATE-TOKEN",
    scheme="",
    # Neither sudo nor admin_mode. Source: docs.gitlab.com, "Personal access token scopes".
    implies={
        "api": (
            "read_api",
            "read_user",
            "read_repository",
            "write_repository",
            "read_registry",
            "write_registry",
        ),
        "read_api": ("read_registry",),
        "write_repository": ("read_repository",),
        "write_registry": ("read_registry",),
    },
)
