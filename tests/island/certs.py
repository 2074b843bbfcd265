"""Certificates of the island's authority, right and wrong."""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """Signs certificates for servers; `pem` is what clients trust."""

    def __init__(self, name: str = "island") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        made = self._builder(self.name, self.key, datetime.now(UTC))
        made = made.add_extension(constraints, critical=True)
        self.certificate = made.sign(self.key, hashes.SHA256())
        self.pem = self.certificate.public_bytes(Encoding.PEM).decode()
        self._folder = tempfile.TemporaryDirectory()

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime
    ) -> x509.CertificateBuilder:
        return x509.CertificateBuilder(
            issuer_name=self.name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - DAY,
            not_valid_after=now + DAY,
        )

    @cache  # noqa: B019 - one authority a run
    def context(self, name: str, *, shift_days: int = 0) -> ssl.SSLContext:
        """What a server for `name` (a DNS name or an address) needs."""
        return self.serving(*self._made(name, shift_days))

    def file(self, name: str) -> Path:
        """The same for a server that reads PEM: its key and its certificate."""
        return self._written(*self._made(name, 0))

    def close(self) -> None:
        """Its files are gone."""
        self._folder.cleanup()

    def _made(
        self, name: str, shift_days: int
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        made = self._builder(subject, key, datetime.now(UTC) + shift_days * DAY)
        made = made.add_extension(x509.SubjectAlternativeName([_general(name)]), critical=False)
        return made.sign(self.key, hashes.SHA256()), key

    def serving(
        self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
    ) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._written(certificate, key))
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context

    def _written(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Path:
        path = Path(self._folder.name, f"{certificate.serial_number}.pem")
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        return path


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
