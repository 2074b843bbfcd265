"""Who this process is to the API server, and whom it takes for that: read again when it fails.

Tokens, authorities and kubeconfigs are files that somebody renews while we run: the kubelet, an
administrator. They are read again when the server refuses us (401) or shows a certificate that
nobody we trust has signed, and those of a Pod every twenty seconds besides. What cannot be read
changes nothing: what was read last stays in use, as it does in client-go, and `troubles` says so.
People switch the current context of a kubeconfig: what is read again is of the same context, and of
the same server, for no other may see it.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config.incluster_config import SERVICE_TOKEN_FILENAME

from tokencheck.clients.kube.answers import UNAUTHORIZED
from tokencheck.clients.kube.configuration import load_in_cluster, load_kubeconfig, tls_of
from tokencheck.model.errors import UsageError

REREAD_S = 20.0
# A plugin that hands out bad credentials is not run for every request.
RELOAD_EVERY_S = 5.0
TELL_EVERY_S = 60.0


class Trouble(StrEnum):
    """What is wrong with them; label of tokencheck_api_credentials_failing."""

    UNREADABLE = "Unreadable"  # those read last are used
    REFUSED = "Refused"  # the server says 401
    UNTRUSTED = "Untrusted"  # the server's certificate is not trusted


_WORDS = {
    Trouble.UNREADABLE: "{where} cannot be read or is not usable, so what was read last stays in "
    "use for as long as the API server takes it; put it right, it is read again by itself",
    Trouble.REFUSED: UNAUTHORIZED + ": they have ended or are of another cluster; renew {where}, "
    "it is read again by itself",
    Trouble.UNTRUSTED: "the certificate of the API server is not trusted: put the authority that "
    "signed it into {where}, which is read again by itself; if it is there, another server answers",
}


class Credentials:
    """Those of one transport, of one event loop. `read` makes them.

    `context` is that of the kubeconfig, by name; None without one.
    `on_trouble` is told each trouble that begins, once a minute at most, and "" instead of words
    when it has ended; `on_renewed` that certificates or authorities are others now.
    """

    tls: ssl.SSLContext
    configuration: Configuration

    def __init__(self, kubeconfig: Path | None, context: str | None) -> None:
        """Use `read` instead."""
        self.on_trouble: Callable[[Trouble, str], None] = lambda _trouble, _words: None
        self.on_renewed: Callable[[ssl.SSLContext], None] = lambda _tls: None
        self.context = context
        self._kubeconfig = kubeconfig
        self._troubles: set[Trouble] = set()
        self._told: set[Trouble] = set()
        self._tell_at: dict[Trouble, float] = {}  # again
        self._certificates: tuple[bytes, ...] = ()
        self._header: dict[str, str] = {}
        self._reading: asyncio.Task[bool] | None = None
        self._tried_at = -RELOAD_EVERY_S
        self._read_at = 0.0

    @classmethod
    async def read(cls, kubeconfig: Path | None, context: str | None) -> "Credentials":
        """Return those of a kubeconfig file; without one, of this Pod.

        Raises:
            UsageError: they cannot be found or read.
        """
        made = cls(kubeconfig, context)
        await made._load()
        return made

    @property
    def troubles(self) -> Mapping[str, str]:
        """Return each trouble, and in words what is wrong now; "" where nothing is."""
        return {str(one): self._words(one) for one in Trouble}

    async def header(self) -> Mapping[str, str]:
        """Return the header that says who we are; none when a certificate does."""
        if self._kubeconfig is None and _now() - self._read_at > REREAD_S:
            await self.reload()
        return self._header

    async def reload(self) -> bool:
        """Read them again, and return whether asking the server again makes sense.

        A plugin may wait for somebody to log in. It is run once, and nobody waits for it long: what
        it says counts when it comes.
        """
        if self._reading is None or self._reading.done():
            if _now() - self._tried_at < RELOAD_EVERY_S:  # somebody else just did
                return Trouble.UNREADABLE not in self._troubles
            self._tried_at = _now()
            self._reading = asyncio.create_task(self._read_again(), name="read credentials")
        done, _ = await asyncio.wait([self._reading], timeout=RELOAD_EVERY_S)
        return any(reading.result() for reading in done)

    def answered(self, status: int) -> None:
        """Take that the server, which is trusted then, gave an answer with this HTTP status."""
        self._note(Trouble.UNTRUSTED, stands=False)
        self._note(Trouble.REFUSED, stands=status == 401)

    def distrusted(self) -> None:
        """Take that its certificate is not trusted, also by what was read again."""
        self._note(Trouble.UNTRUSTED, stands=True)

    async def _read_again(self) -> bool:
        try:
            await self._load()
        except UsageError:
            self._note(Trouble.UNREADABLE, stands=True)
            return False
        self._note(Trouble.UNREADABLE, stands=False)
        return True

    async def _load(self) -> None:
        fresh = Configuration()
        if self._kubeconfig is None:
            load_in_cluster(fresh)
        else:
            self.context = await load_kubeconfig(fresh, self._kubeconfig, self.context)
        if getattr(self, "configuration", fresh).host != fresh.host:
            raise UsageError("They are for another server now.")
        header = _header_of(fresh)
        if self._header and not header and not fresh.cert_file:
            raise UsageError("There is no token any more.")
        try:
            certificates = _certificates_of(fresh)
            if certificates != self._certificates:
                self.tls = tls_of(fresh)
                self.on_renewed(self.tls)
        except (OSError, ValueError):
            raise UsageError(
                f"The certificates in {self._where} cannot be used: are they whole, and PEM?"
            ) from None
        self._certificates, self._header, self.configuration = certificates, header, fresh
        self._read_at = _now()

    def _note(self, trouble: Trouble, *, stands: bool) -> None:
        (self._troubles.add if stands else self._troubles.discard)(trouble)
        # One of several servers may have it alone: then each answer is another than the last.
        if stands is (trouble in self._told) or (stands and _now() < self._tell_at.get(trouble, 0)):
            return
        (self._told.add if stands else self._told.discard)(trouble)
        self._tell_at[trouble] = _now() + TELL_EVERY_S
        self.on_trouble(trouble, self._words(trouble))

    def _words(self, trouble: Trouble) -> str:
        return _WORDS[trouble].format(where=self._where) if trouble in self._troubles else ""

    @property
    def _where(self) -> str:
        if self._kubeconfig is not None:
            return f"the kubeconfig {self._kubeconfig}"
        return f"the folder {Path(SERVICE_TOKEN_FILENAME).parent}"


def _now() -> float:
    return asyncio.get_running_loop().time()


def _header_of(configuration: Configuration) -> dict[str, str]:
    """Return {} where no token stands; files of tokens may end with a newline."""
    scheme, _, token = str(configuration.api_key.get("BearerToken", "")).partition(" ")
    return {"Authorization": f"{scheme} {token.strip()}"} if token.strip() else {}


def _certificates_of(configuration: Configuration) -> tuple[bytes, ...]:
    """Return all that a TLS context is made of."""
    files = (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
    verified = b"verified" if configuration.verify_ssl else b""
    return (verified, *(Path(one).read_bytes() if one else b"" for one in files))
