"""A token under construction, and the case that it becomes."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from oracle.signers import ALGORITHMS, Object, Ring, Signer, TinySigner, encode

ISSUER = "https://login.example.com"
AUDIENCE = "payments-api"
START = 1_795_000_000

Change = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Case:
    """A token, what is expected of it, and which twists it got.

    Args:
        now, skew: whole seconds; the library knows no fractions.
    """

    token: bytes
    jwks: str
    algorithms: tuple[str, ...]
    audiences: tuple[str, ...]
    now: int
    skew: int
    twists: tuple[str, ...]
    issuer: str = ISSUER

    def question(self) -> Object:
        """The case as the Go program reads it.

        White space around a text is not the token's: it is presented without.
        """
        return {
            "token": base64.b64encode(self.token.strip()).decode(),
            "jwks": self.jwks,
            "algorithms": self.algorithms,
            "issuer": self.issuer,
            "audiences": self.audiences,
            "now": self.now,
            "skew": self.skew,
        }


@dataclass
class Draft:
    """A good token and key set, for twists to change.

    Args:
        header_text, payload_text, jwks_text: in place of the objects, when there.
        signature: of the signing input, in place of the signer's own.
        changes: of the whole text, when it is signed.
    """

    rng: random.Random
    ring: Ring
    signer: Signer | TinySigner
    algorithm: str
    header: Object
    claims: Object
    keys: list[Object]
    now: int
    skew: int
    algorithms: tuple[str, ...] = ALGORITHMS
    audiences: tuple[str, ...] = (AUDIENCE,)
    header_text: bytes | None = None
    payload_text: bytes | None = None
    jwks_text: str | None = None
    signature: Change | None = None
    raw_payload_signed: bool = False
    changes: list[Change] = field(default_factory=list)

    def case(self, twists: tuple[str, ...]) -> Case:
        """The signed token, changed as the twists say."""
        text = self._signed()
        for change in self.changes:
            text = change(text)
        jwks = json.dumps({"keys": self.keys}) if self.jwks_text is None else self.jwks_text
        return Case(
            token=text,
            jwks=jwks,
            algorithms=self.algorithms,
            audiences=self.audiences,
            now=self.now,
            skew=self.skew,
            twists=twists,
        )

    def _signed(self) -> bytes:
        head = json.dumps(self.header).encode() if self.header_text is None else self.header_text
        body = json.dumps(self.claims).encode() if self.payload_text is None else self.payload_text
        shown = encode(head) + b"." + encode(body)
        covered = encode(head) + b"." + body if self.raw_payload_signed else shown
        sign = self.signature or (lambda data: self.signer.sign(self.algorithm, data))
        return shown + b"." + encode(sign(covered))


def with_member(rng: random.Random, text: str, member: str) -> bytes:
    """The JSON object with one more member, before all others or behind them."""
    first = rng.random() < 0.5
    return (f"{{{member}, {text[1:]}" if first else f"{text[:-1]}, {member}}}").encode()


def good(rng: random.Random, ring: Ring) -> Draft:
    """A token that everybody accepts, by any of the keys, in a set with some others."""
    signer = rng.choice(ring.own)
    algorithm = rng.choice(signer.algorithms)
    others = rng.sample([s for s in ring.own if s is not signer], rng.randrange(4))
    keys = [dict(s.jwk) for s in (signer, *others)]
    rng.shuffle(keys)
    now = START + rng.randrange(10_000_000)
    issued = now - rng.randrange(100_000)
    claims = {
        "iss": ISSUER,
        "sub": "checkout",
        "aud": rng.choice([AUDIENCE, [AUDIENCE], ["other", AUDIENCE]]),
        "exp": now + 1 + rng.randrange(1_000_000),
        "iat": issued,
    }
    return Draft(
        rng=rng,
        ring=ring,
        signer=signer,
        algorithm=algorithm,
        header={"alg": algorithm, "typ": "JWT", "kid": signer.name},
        claims=claims,
        keys=keys,
        now=now,
        skew=rng.choice([0, 1, 60, 300]),
    )
