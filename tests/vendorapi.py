"""The part of vendors' APIs that says whether a token lives, as they document it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

from tlsserver import FAILING, Asked, Said, TlsServer

# No names of vendors: what is said of a token may name its vendor, and is no leak.
TOKENS = {
    "Cloudflare": "cfut_canaryCluodfralx0123456789abcdefghijklmnopqr",
    "CloudflareAccount": "cfat_canaryCluodfralxAccuont0123456789abcdefgh",
    "Datadog": "ca0a12e0da7ad090" * 2,
    "GitHub": "ghp_" + "canaryGitHub0123456789abcdefghijklmnop"[:36],
    "GitLab": "glpat-canaryGitLab01234567",
    "Grafana": "glsa_canaryGarfanax0123456789abcdefgh_0a1b2c3d",
    "HuggingFace": "hf_canaryHugingFcaex0123456789abcdefgh",
    "npm": "npm_" + "canaryNpm0123456789abcdefghijklmnopqr"[:36],
    "OpenAI": "sk-proj-canaryOpenAI0123456789abcdef",
    "SendGrid": "SG.canarySnedGrid012345678.canarySnedGrid0123456789abcdefghijklmnopqrstuvwxy",
    "Sentry": "sntryu_" + "ca0a12e0" * 8,
    "Slack": "xoxb-1234567890-canarySlack0123456789",
    "Vault": "hvs.canaryVault0123456789abcdefghijklmn",
    "HTTP": "canaryHttp0123456789abcdefghijklm",
    "Stripe": "rk_test_canaryStripe0123456789",
    "TerraformCloud": "canaryTrerafom.atlasv1." + "canaryTrerafomrCuold0" * 3 + "abcd",
}
_JWT = f"eyJ{'Canary0' * 10}.eyJ{'Canary1' * 30}.{'Canary2' * 30}"
# Each about as long as its issuer makes it.
GITHUB_FORMS = {
    "classic": TOKENS["GitHub"],
    "fine-grained": f"github_pat_{'CanaryFine0' * 2}_{'CanaryFine' * 6}",
    "OAuth": "gho_" + "CanaryOauth1" * 3,
    "of a user by an app": "ghu_" + "CanaryUsers2" * 3,
    "of an installation before 2026": "ghs_" + "CanaryInsta3" * 3,
    "of an installation": f"ghs_1234567_{_JWT}",
}
# How an admin describes the API that has no type of its own.
DESCRIBED = {
    "path": "/v1/me",
    "header": "X-Api-Key",
    "scheme": "",
    "active": {"status": [200], "field": "user.id"},
    "inactive": {"status": [200, 401], "field": "error.code", "equals": "token_revoked"},
    "expirationField": "token.ends",
    "scopesField": "token.scopes",
}
OWN_TOKEN = "hvs.canaryOwnToken0123456789abcdefgh"  # by which Vault knows the operator
_PATHS = {
    "/v1/auth/token/lookup": "Vault",
    "/v1/sys/capabilities": "Vault",
    "/v1/me": "HTTP",
    "/tokens/verify": "Cloudflare",
    "/api/whoami-v2": "HuggingFace",
    "/v1/models": "OpenAI",
    "/v3/scopes": "SendGrid",
    "/api/0/": "Sentry",
    "/v1/balance": "Stripe",
    "/api/v2/account/details": "TerraformCloud",
    "/api/v1/validate": "Datadog",
    "/user": "GitHub",
    "/api/user?targetOrgId=1": "Grafana",
    "/api/v4/personal_access_tokens/self": "GitLab",
    "/-/whoami": "npm",
    "/api/auth.test": "Slack",
}
# What Vault says where the policy of the operator's own token does not reach.
_UNREACHED = {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
_HEADERS = {"Datadog": "dd-api-key", "GitLab": "private-token", "HTTP": "x-api-key"}
# How the tokens of each begin; an API that has no type of its own may have any.
_BEGINS = {vendor: (token[:3],) for vendor, token in TOKENS.items()} | {
    "Cloudflare": ("cfut", "cfat"),
    "GitHub": tuple(token[:3] for token in GITHUB_FORMS.values()),
    "HTTP": ("",),
}


class VendorApi(TlsServer):
    """All of them at once.

    `lives` holds what is told of each living token, `asked` counts questions; `paths` are those of
    each question about capabilities, which stand in `lives` as ``on``.
    `mode` is how it answers: well, or one of `tlsserver.FAILING`.
    """

    def __init__(self) -> None:
        super().__init__("vendors")
        self.lives: dict[str, dict[str, Any]] = {}
        self.revoked: set[str] = set()
        self.asked: Counter[str] = Counter()
        self.paths: list[list[str]] = []
        self.mode = "well"

    def provider(self, vendor: str, name: str = "vendor", **spec: Any) -> dict[str, Any]:
        """A TokenProvider that asks here."""
        asked: dict[str, Any] = {"type": vendor, "url": f"https://{self.place}"}
        if vendor == "HTTP":
            asked["http"] = DESCRIBED
        if vendor == "Grafana":
            asked["url"] += "/?targetOrgId=1"
        if vendor == "Vault":
            asked["url"] += "/v1"
            asked["credentialsRef"] = {"name": "vault-lookup"}
        return self.trusted(name, vendor=asked, **spec)

    def beside(self, asked: Asked) -> Asked:
        """All but the token in question, where it is one of this vendor, and the operator's own."""
        vendor, token = _question(asked)
        if not vendor or not token.startswith(_BEGINS[vendor]):
            return asked
        known = ("x-vault-token", OWN_TOKEN) if vendor == "Vault" else (_header(vendor), token)
        headers = {
            name: text
            for name, text in asked.headers.items()
            if (name, text.removeprefix("Bearer ")) != known
        }
        return replace(asked, headers=headers, body=asked.body.replace(token.encode(), b""))

    def answer(self, asked: Asked) -> Said | None:
        vendor, token = _question(asked)
        if not vendor:
            return Said(status="404 Not Found", body=b'{"message": "Not Found"}')
        if vendor == "Vault" and "paths" in json.loads(asked.body):
            return self._capabilities(token, json.loads(asked.body)["paths"])
        self.asked[token] += 1
        if self.mode in FAILING:
            return FAILING[self.mode]
        if vendor == "Vault" and asked.headers.get("x-vault-token") != OWN_TOKEN:
            return _json(_UNREACHED, "403 Forbidden")
        told = self.lives.get(token)
        return getattr(self, f"_{vendor.lower()}")(token, told)  # type: ignore[no-any-return]

    def _capabilities(self, token: str, paths: list[str]) -> Said:
        self.paths.append(paths)
        if self.mode in FAILING:
            return FAILING[self.mode]
        on = self.lives[token].get("on")
        if on is None:
            return _json(_UNREACHED, "403 Forbidden")
        return _json({"data": {path: on.get(path, ["deny"]) for path in paths}})

    def _github(self, token: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            missing = "Bad credentials" if token else "Requires authentication"
            return _json({"message": missing}, "401 Unauthorized")
        headers = {"X-OAuth-Scopes": ", ".join(told.get("scopes", ()))}
        if "ends" in told:
            headers["github-authentication-token-expiration"] = told["ends"]
        if token.startswith("ghs_"):
            said = {"message": "Resource not accessible by integration"}
            return _json(said, "403 Forbidden", headers)
        return _json({"login": "ann"}, headers=headers)

    def _cloudflare(self, _: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            errors = [{"code": 1000, "message": "Invalid API Token"}]
            return _json({"success": False, "errors": errors}, "401 Unauthorized")
        result = {"id": "abc", "status": "active"}
        if "ends" in told:
            result["expires_on"] = told["ends"]
        return _json({"success": True, "errors": [], "result": result})

    def _datadog(self, token: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            why = "Forbidden" if token else "API key required"
            return _json({"errors": [why]}, "403 Forbidden")
        return _json({"valid": True})

    def _grafana(self, token: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            said = {"message": "Invalid API key", "messageId": "api-key.invalid"}
            none = {"message": "Unauthorized", "messageId": "auth.unauthorized"}
            return _json(said if token else none, "401 Unauthorized")
        return _json({"uid": "service-account:7", "login": "sa-1-canary", "orgId": 1})

    def _huggingface(self, token: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            bad = "Invalid credentials in Authorization header"
            why = bad if token else "Invalid username or password."
            return _json({"error": why}, "401 Unauthorized")
        role = {"role": told.get("role", "read")}
        return _json({"name": "ann", "auth": {"type": "access_token", "accessToken": role}})

    def _openai(self, token: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            code = "invalid_api_key" if token else None
            return _json({"error": {"message": "No.", "code": code}}, "401 Unauthorized")
        return _json({"object": "list", "data": []})

    def _sendgrid(self, token: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            bad = "The provided authorization grant is invalid, expired, or revoked"
            why = [{"field": None, "message": bad if token else "authorization required"}]
            return _json({"errors": why}, "401 Unauthorized")
        return _json({"scopes": told.get("scopes", [])})

    def _sentry(self, token: str, told: dict[str, Any] | None) -> Said:
        if token and told is None:
            return _json({"detail": "Invalid token"}, "401 Unauthorized")
        auth = {"scopes": told.get("scopes", [])} if told is not None else None
        return _json({"version": "0", "auth": auth, "user": None})

    def _stripe(self, token: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            why = "Invalid API Key provided: rk_test_****6789"
            error = {"message": why if token else "You did not provide an API key."}
            return _json({"error": error}, "401 Unauthorized")
        return _json({"object": "balance", "livemode": False})

    def _terraformcloud(self, _: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            why = {"status": "401", "title": "unauthorized"}
            return _json({"errors": [why]}, "401 Unauthorized")
        user = {"username": "ann", "is-service-account": False}
        return _json({"data": {"id": "user-canary", "type": "users", "attributes": user}})

    def _http(self, token: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            code = "token_revoked" if token else "no_token"
            return _json({"error": {"code": code}}, "401 Unauthorized")
        return _json({"user": {"id": 7}, "token": told})

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

    def _vault(self, token: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            return _json({"errors": ["bad token"]}, "403 Forbidden")
        data = {"id": token, "num_uses": 0, "ttl": 0, "expire_time": None, "policies": ["default"]}
        return _json({"data": data | told})

    def _slack(self, token: str, told: dict[str, Any] | None) -> Said:
        if told is None:
            return _json({"ok": False, "error": "invalid_auth" if token else "not_authed"})
        return _json({"ok": True}, headers={"X-OAuth-Scopes": ",".join(told.get("scopes", ()))})


def _question(asked: Asked) -> tuple[str, str]:
    """Whose API it is, and the token that stands in its place; nobody's: two empty texts."""
    vendor = _PATHS.get(asked.path, "")
    method = "POST" if vendor == "Vault" else "GET"
    if not vendor or not asked.line.startswith(f"{method} "):
        return "", ""
    if vendor == "Vault":
        return vendor, str(json.loads(asked.body)["token"])
    return vendor, asked.headers.get(_header(vendor), "").removeprefix("Bearer ")


def _header(vendor: str) -> str:
    return _HEADERS.get(vendor, "authorization")


def _json(said: object, status: str = "200 OK", headers: dict[str, str] | None = None) -> Said:
    return Said(status=status, body=json.dumps(said).encode(), headers=headers or {})
