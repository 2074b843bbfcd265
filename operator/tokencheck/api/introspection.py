"""Where a TokenProvider is asked whether a token lives, and as whom."""

from dataclasses import dataclass
from enum import StrEnum

from tokencheck.api.fields import Fields
from tokencheck.api.urls import Url, parse_url

# Keys of the Secret with the client's credentials.
CLIENT_ID, CLIENT_SECRET = "client_id", "client_secret"
PRIVATE_KEY, KEY_ID = "private_key", "key_id"


class Authentication(StrEnum):
    """How the client proves who it is. Source: RFC 6749 section 2.3.1; RFC 7523 section 2.2."""

    BASIC = "Basic"  # client_secret_basic
    POST = "Post"  # client_secret_post
    PRIVATE_KEY_JWT = "PrivateKeyJWT"  # private_key_jwt


class AssertionType(StrEnum):
    """What the header of an assertion says that it is (typ)."""

    JWT = "JWT"  # as RFC 7519 section 5.1 has it; RFC 7523 asks for none
    CLIENT_AUTHENTICATION = "client-authentication+jwt"  # draft-ietf-oauth-rfc7523bis section 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspection:
    """Token introspection. Source: RFC 7662.

    Args:
        credentials: name of a Secret in the operator's own namespace, with the keys client_id and
            client_secret, or client_id, private_key and where the provider needs it key_id.
        audience: of the assertion that a private key signs; None: the issuer, else `url`.
        assertion_type: of that assertion.
    """

    url: Url
    credentials: str
    authentication: Authentication = Authentication.BASIC
    audience: str | None = None
    assertion_type: AssertionType = AssertionType.JWT

    @property
    def places(self) -> frozenset[str]:
        """Return the one server that may be shown a token; spec.hosts is about keys."""
        return frozenset((self.url.place,))


def parse_introspection(fields: Fields, issuer: str | None) -> Introspection | None:
    """Return how tokens are asked about; None with a fault.

    Args:
        issuer: that of the same provider, if it has one.
    """
    credentials = fields.child("clientCredentialsRef").required_text("name")
    authentication = fields.choice("authentication", Authentication, Authentication.BASIC)
    audience = fields.text("audience")
    kind = fields.choice("assertionType", AssertionType, AssertionType.JWT)
    for name in ("audience", "assertionType"):
        if fields.text(name) and authentication is not Authentication.PRIVATE_KEY_JWT:
            fields.fault(name, "is for authentication: PrivateKeyJWT")
    if kind is AssertionType.CLIENT_AUTHENTICATION and not (audience or issuer):
        fields.fault("audience", f"must be the issuer: {kind} is for nobody else")
    text = fields.required_text("url")
    url = parse_url(text) if text else None
    if isinstance(url, str):
        fields.fault("url", url)
    if not isinstance(url, Url) or not credentials:
        return None
    return Introspection(
        url=url,
        credentials=credentials,
        authentication=authentication,
        audience=audience,
        assertion_type=kind,
    )
