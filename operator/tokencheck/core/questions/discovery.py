"""Reading an issuer's discovery document. Source: OpenID Connect Discovery 1.0, section 4.3."""

from collections.abc import Collection

from tokencheck.api.urls import Url, parse_url
from tokencheck.core.questions.replies import Faulted
from tokencheck.model.reasons import Reason


def jwks_url_of(document: object, issuer: str, places: Collection[str]) -> Url | Faulted:
    """Return where the document says that the keys are.

    It must name the issuer that the admin wrote, character by character, and a server that he
    listed: the document is the issuer's word, not his.

    Args:
        document: parsed JSON.
        issuer: as the TokenProvider has it.
        places: ``host`` or ``host:port`` of the servers that may be asked.
    """
    if not isinstance(document, dict):
        return _mismatch("the discovery document is no JSON object")
    if document.get("issuer") != issuer:
        return _mismatch("the discovery document names another issuer than jwt.issuer")
    text = document.get("jwks_uri")
    url = parse_url(text) if isinstance(text, str) else "is missing"
    if not isinstance(url, Url):
        return _mismatch(f"the jwks_uri of the discovery document {url}")
    if url.place not in places:
        return _mismatch(
            f"the discovery document names keys on {url.place}: add it to spec.hosts if it is "
            "the issuer's"
        )
    return url


def _mismatch(detail: str) -> Faulted:
    return Faulted(reason=Reason.DISCOVERY_MISMATCH, detail=detail)
