"""Of a Secret's value that is searched for which is random, and not what is in lawful texts."""

from __future__ import annotations

import json

import jwt
import pytest

from canary import Sweep
from pieces import rare_in, secrets_in

RANDOM = "Zq3vX9-kT_w2LmRb7Yh"


def pieces(value: str) -> set[str]:
    return {secret.text for secret in secrets_in("s", value)}


@pytest.mark.parametrize(
    "value",
    [
        RANDOM,
        f"NAME=shop\nAPI_TOKEN='{RANDOM}'\n",
        json.dumps({"auths": {"registry-1.docker.io": {"auth": RANDOM}}}),
        f"users:\n- user:\n    token: {RANDOM}\n",
        f'{{"token": "{RANDOM}",,',
    ],
)
def test_what_is_random_is_found_in_every_kind_of_document(value: str) -> None:
    assert RANDOM in pieces(value)


def test_a_jwt_is_known_by_its_signature_and_its_private_claims() -> None:
    lawful = {"iss": "https://login2.example.com/Realm", "aud": "payments-Api-2", "sub": "checkout"}
    token = jwt.encode(lawful | {"jti": RANDOM, "realm_access": {"x": [RANDOM[::-1]]}}, "k" * 32)
    signature = token.rpartition(".")[2]
    assert pieces(token) == {RANDOM, RANDOM[::-1], *rare_in(signature)}
    sweep = Sweep(secrets_in("s", f"Bearer {token}"))
    assert sweep.hits(f"log: {signature[10:18]}") or not list(rare_in(signature[10:18]))
    assert sweep.hits(f"payload: {token.split('.')[1]}"), "base64 of a private claim"
    assert not sweep.hits(json.dumps(lawful))


@pytest.mark.parametrize(
    "value",
    [
        "a-token-that-is-made-of-words-alone",
        "ghp_" + "a" * 36,
        "0123456789abcdef0123456789abcdef",
        "3d6f2a6e-8d2b-4c5e-9b1a-0f0e1d2c3b4a",
        "1764240000",
        "-----BEGIN PUBLIC KEY-----\nMIIBszCCAVmgAwIBAgIUZq3vX9kTw2LmRb7Yh\n",
        "server: https://Login-2.example.com/Realms/Shop1",
    ],
)
def test_words_numbers_digests_and_public_texts_are_none(value: str) -> None:
    assert pieces(value) == set()


def test_a_long_piece_is_known_by_both_ends() -> None:
    text = "".join(f"{number:x}Kq{number * 7:x}" for number in range(100))
    found = pieces(text)
    assert found == {text[:32], text[-32:]}
