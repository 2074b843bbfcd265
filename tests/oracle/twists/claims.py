"""Claims: dates on each side of each border, odd types, JSON that is read in two ways."""

from __future__ import annotations

import json

from oracle.draft import AUDIENCE, ISSUER, Draft, with_member

_TEXTS = ("", "x", AUDIENCE.upper(), AUDIENCE + " ", AUDIENCE + "-admin", AUDIENCE[:-1], "é")
_ODD = (None, "", "soon", "1", [], {}, True, False, [1])
_NUMBERS = (0, -1, -1e300, 1e300, 1e19, 2**63, 2**62, 1e-9, 253_402_300_799, 253_402_300_800)
_DATES = ("exp", "nbf", "iat")


def near_the_end(draft: Draft) -> None:
    """Around exp, and around exp and the leeway."""
    off = draft.rng.choice([-1, 0, 1])
    draft.claims["exp"] = draft.now + off - draft.rng.choice([0, draft.skew])


def near_the_start(draft: Draft) -> None:
    off = draft.rng.choice([-1, 0, 1])
    name = draft.rng.choice(["nbf", "iat"])
    draft.claims[name] = draft.now + off + draft.rng.choice([0, draft.skew])


def past(draft: Draft) -> None:
    draft.claims["exp"] = draft.now - draft.rng.randrange(1, 1_000_000)


def fraction(draft: Draft) -> None:
    """Parts of a second. Source: RFC 7519 section 2."""
    part = draft.rng.choice([0.0, 0.25, 0.5, 0.999])
    whole = draft.now + draft.rng.choice([-1, 0]) + draft.rng.choice([-1, 0, 1]) * draft.skew
    draft.claims[draft.rng.choice(_DATES)] = whole + part


def other_notation(draft: Draft) -> None:
    """The same number, written in another way."""
    value = draft.now + draft.rng.choice([-1000, -1, 0, 1, 1000])
    written = draft.rng.choice(
        [f"{value}.0", f"{value / 1e9:.9f}e9", f"{value}E0", f"{value}000e-3"]
    )
    draft.payload_text = _with(draft, draft.rng.choice(_DATES), written)


def no_number(draft: Draft) -> None:
    written = draft.rng.choice(
        [
            "NaN",
            "Infinity",
            "-Infinity",
            "0x10",
            "01",
            "+1",
            "1.",
            ".5",
            "1e",
            "1_000",
            "1" + "0" * 400,
            "1" * 5000,
            "-0",
            "1e400",
            "-1e400",
        ]
    )
    draft.payload_text = _with(draft, draft.rng.choice(_DATES), written)


def odd_date(draft: Draft) -> None:
    name = draft.rng.choice(_DATES)
    draft.claims[name] = draft.rng.choice([*_ODD, *_NUMBERS, str(draft.now), draft.now * 1000])


def no_date(draft: Draft) -> None:
    for name in draft.rng.sample(_DATES, 2):
        draft.claims.pop(name, None)


def never_valid(draft: Draft) -> None:
    """It begins after its end, within the leeway."""
    draft.claims |= {"nbf": draft.now + 1 + draft.skew // 2, "exp": draft.now + 1}


def audience(draft: Draft) -> None:
    draft.claims["aud"] = draft.rng.choice(
        [
            *_ODD,
            *_TEXTS,
            [AUDIENCE, 5],
            [[AUDIENCE]],
            {"a": AUDIENCE},
            [""],
            ["x", "y"],
            5,
            [AUDIENCE] * 3,
            [AUDIENCE, None],
        ]
    )


def no_audience(draft: Draft) -> None:
    draft.claims.pop("aud", None)


def expected_audiences(draft: Draft) -> None:
    draft.audiences = draft.rng.choice([(), ("x",), ("x", AUDIENCE), ("other",), (AUDIENCE + "/",)])


def issuer(draft: Draft) -> None:
    draft.claims["iss"] = draft.rng.choice(
        [*_ODD, ISSUER + "/", ISSUER.upper(), [ISSUER], "https://evil.example", ISSUER + "\0", 5]
    )


def no_issuer(draft: Draft) -> None:
    draft.claims.pop("iss", None)


def odd_text(draft: Draft) -> None:
    draft.claims[draft.rng.choice(["sub", "jti"])] = draft.rng.choice([*_ODD, 5, "x" * 300])


def other_case(draft: Draft) -> None:
    """A member whose name differs in case is another member."""
    name = draft.rng.choice(["exp", "iss", "aud", "nbf"])
    value = draft.rng.choice([draft.now - 5, draft.now + 5, ISSUER, "x"])
    draft.claims[name.capitalize()] = value
    if draft.rng.random() < 0.5:
        draft.claims.pop(name, None)


def claim_twice(draft: Draft) -> None:
    text = json.dumps(draft.claims)
    twice = draft.rng.choice([f'"exp": {draft.now + 9}', '"iss": "x"', f'"iss": "{ISSUER}"'])
    twice = draft.rng.choice([twice, '"n": {"a": 1, "a": 2}', '"n": [{"a": 1, "a": 2}]'])
    draft.payload_text = with_member(draft.rng, text, twice)


def payload_text(draft: Draft) -> None:
    text = json.dumps(draft.claims).encode()
    draft.payload_text = draft.rng.choice(
        [
            text + b" \n",
            b"\t" + text,
            text[:-1],
            b"[" + text + b"]",
            b"{}",
            b"",
            b"null",
            b"5",
            text + text,
            b"\xef\xbb\xbf" + text,
            text.replace(b'"', b"'"),
            text[:-1] + b",}",
            text[:-1] + b', "n": "\xff"}',
            text[:-1] + b', "n": "\\ud800"}',
            b'"text"',
            text + b"\x00",
            text[:-1] + b', "n": ' + b"[" * 40 + b"]" * 40 + b"}",
            text[:-1] + b', "n": NaN}',
            text[:-1] + b', "n": "\x01"}',
            text.decode().encode("utf-16"),
            b"// c\n" + text,
        ]
    )


def large(draft: Draft) -> None:
    draft.claims["groups"] = ["g" * 100] * draft.rng.choice([50, 100, 200])


def _with(draft: Draft, name: str, written: str) -> bytes:
    draft.claims.pop(name, None)
    return f'{json.dumps(draft.claims)[:-1]}, "{name}": {written}}}'.encode()


TWISTS = (
    near_the_end,
    near_the_start,
    past,
    fraction,
    other_notation,
    no_number,
    odd_date,
    no_date,
    never_valid,
    audience,
    no_audience,
    expected_audiences,
    issuer,
    no_issuer,
    odd_text,
    other_case,
    claim_twice,
    payload_text,
    large,
)
