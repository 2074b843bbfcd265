"""Which kind a text is, and whether discovery takes it for a token."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tokencheck.core.tokens.candidates import MAX_CANDIDATE_BYTES, looks_like_token
from tokencheck.core.tokens.kinds import TABLE
from tokencheck.core.tokens.recognise import kind_of
from vectors import filled

VECTORS = Path(__file__).parents[1] / "vectors"
KINDS = yaml.safe_load((VECTORS / "kinds.yaml").read_text())
NAMES = yaml.safe_load((VECTORS / "names.yaml").read_text())


@pytest.mark.parametrize(
    ("kind", "text"), [row[:2] for row in KINDS], ids=[f"{k}: {w}" for k, _, w in KINDS]
)
def test_a_kind_is_told_by_its_text(kind, text) -> None:
    assert kind_of(filled(text))[0] == kind


def test_every_row_of_the_table_has_a_vector() -> None:
    patterns = [re.compile(row[2]) for row in TABLE]
    texts = [filled(text) for _, text, _ in KINDS]
    for row, pattern in zip(TABLE, patterns, strict=True):
        assert any(pattern.fullmatch(text) for text in texts), row


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [row[:3] for row in NAMES],
    ids=[f"{n}: {w}" for n, _, _, w in NAMES],
)
def test_discovery_takes_what_is_or_says_that_it_is_a_token(name, text, expected) -> None:
    assert looks_like_token(name, filled(text)) is expected


def test_what_is_too_long_is_no_token() -> None:
    start = filled("eyJ<a:30>.")
    assert looks_like_token("token", start + b"A" * (MAX_CANDIDATE_BYTES - len(start)))
    assert not looks_like_token("token", start + b"A" * MAX_CANDIDATE_BYTES)


@pytest.mark.parametrize("kind", [k for k, _, _ in KINDS if k != "Opaque"])
def test_no_pattern_takes_more_than_linear_time(kind) -> None:
    """A mebibyte that fits up to its last character is the worst that a Secret can hold."""
    text = filled(next(text for k, text, _ in KINDS if k == kind))
    middle = len(text) * 2 // 3
    hostile = text[:middle] + text[middle : middle + 1] * 1_000_000 + b"\xff"
    started = time.perf_counter()
    kind_of(hostile)
    assert time.perf_counter() - started < 1


def test_recognising_loads_neither_cryptography_nor_yaml() -> None:
    code = (
        "import sys, tokencheck.core.tokens.recognise, tokencheck.core.tokens.documents\n"
        "import tokencheck.core.tokens.read\n"
        "print(sorted({'jwt', 'cryptography', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
