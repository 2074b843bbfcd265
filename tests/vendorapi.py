"""The part of vendors' APIs that says whether a token lives, as they document it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from tlsserver import FAILING, Asked, Said, TlsServer

TOKENS = {
    "GitHub": "ghp_" + "canaryGitHub0123456789abcdefghijklmnop"[:36],
    "GitLab": "glpat-canaryGitLab01234567",
    "npm": "npm_" + "canaryNpm0123456789abcdefghijklmnopqr"[:36],
    "Slack": "xoxb-1234567890-canarySlack0123456789",
}
_PATHS = {
    "/user": "GitHub",
    "/api/v4/personal_access_tokens/self": "GitLab",
    "/-/whoami": "npm",
    "/api/auth.test": "Slack",
}


class VendorApi(TlsServer):
    """All four at once. `lives` holds what is told of each living token, `asked` counts questions.

    `mode` is how it answers: well, or one of `tlsserver.FAILING`.
    """

    def __init__(self) -> None:
        super().__init__("vendors")
        self.lives: dict[str, dict[str, Any]] = {}
        self.revoked: set[str] = set()
        self.asked: Counter[str] = Counter()
        self.mode = "well"

    def provider(self, vendor: str, name: str = "vendor", **spec: Any) -> dict[str, Any]:
        """A TokenProvider that asks here."""
        asked = {"type": vendor, "url": f"https://{self.place}"}
        return self.trusted(name, vendor=asked, **spec)

    def answer(self, asked: Asked) -> Said | None:
        vendor = _PATHS.get(asked.path)
        if vendor is None or not asked.line.startswith("GET "):
            return Said(status="404 Not Found", body=b'{"message": "Not Found"}')
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if vendor == "GitLab":
            token = asked.headers.get("private-token", "")
        self.asked[token] += 1
        if self.mode in FAILING:
            return FAILING[self.mode]
        told = self.lives.get(token)
        return getattr(self, f"_{vendor.lower()}")(token, told)  # type: ignore[no-any-return]

    def _github(self, token: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            missing = "Bad credentials" if token else "Requires authentication"
            return _json({"message": missing}, "401 Unauthorized")
        headers = {"X-OAuth-Scopes": ", ".join(told.get("scopes", ()))}
        if "ends" in told:
            headers["github-authentication-token-expiration"] = told["ends"]
        return _json({"login": "ann"}, headers=headers)

    def _gitlab(self, token: str, told: dict[str, Any] | None) -> Said:
        if token in self.revoked:
            why = "Token was revoked. You have to re-authorize from the user."
            return _json({"error": "invalid_token", "error_description": why}, "401 Unauthorized")
        if told is None:
            return _json({"message": "401 Unauthorized"}, "401 Unauthorized")
        said = {"active": True, "revoked": False, "expires_at": told.get("ends")}
        return _json(said | {"scopes": told.get("scopes", [])})

    def _npm(self, _: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            return _json({"message": "Unauthorized"}, "401 Unauthorized")
        return _json({"username": "ann"})

    def _slack(self, token: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            return _json({"ok": False, "error": "invalid_auth" if token else "not_authed"})
        return _json({"ok": True}, headers={"X-OAuth-Scopes": ",".join(told.get("scopes", ()))})


def _json(said: object, status: str = "200 OK", headers: dict[str, str] | None = None) -> Said:
    return Said(status=status, body=json.dumps(said).encode(), headers=headers or {})
