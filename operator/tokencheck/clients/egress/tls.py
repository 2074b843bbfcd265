"""The TLS context, made by hand.

``ssl.create_default_context`` writes the session keys into the file that SSLKEYLOGFILE names.
"""

import ssl

from tokencheck.clients.egress.refused import Refused
from tokencheck.model.reasons import Reason

# What OpenSSL found wrong, as numbers, in our words. Source: openssl x509_vfy.h.
_VERIFY = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is self-signed and not in tls.caBundle",
    19: "its certificate is not signed by an authority that is trusted; see tls.caBundle",
    20: "its certificate is not signed by an authority that is trusted; see tls.caBundle",
    62: "its certificate is for another name",
    64: "its certificate is for another address",
}


def tls_context(ca_bundle: str, *, tls13: bool = False) -> ssl.SSLContext:
    """Return a context for clients: TLS 1.2 or newer, chain and name verified.

    Args:
        ca_bundle: PEM certificates that alone are trusted; "" for the system's.
        tls13: whether TLS 1.2 is too old.

    Raises:
        Refused: the bundle holds no certificate that can be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls13:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    if not ca_bundle:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return context
    try:
        context.load_verify_locations(cadata=ca_bundle)
    except (ssl.SSLError, ValueError):
        raise Refused(
            Reason.TLS_FAILED, "tls.caBundle holds no PEM certificate that can be read"
        ) from None
    return context


def tls_fault(fault: BaseException | None) -> str:
    """Return what was wrong with the other side's TLS, by class and number."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return _VERIFY.get(fault.verify_code, "its certificate cannot be verified")
    return "no TLS 1.2 or newer could be agreed on"
