"""What a macaroon says of itself, read by nobody's leave but its own text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from macaroons import encoded, minted
from tokencheck.core.tokens.caveats import left_by
from tokencheck.core.tokens.macaroon import MAX_BYTES, caveats_of
from tokencheck.core.tokens.read import read_token
from tokencheck.model.facts import Claims, Facts, Family, Problem
from tokencheck.model.reasons import Reason
from tokencheck.model.sealed import Sealed
from tokencheck.model.trust import Trust

ROWS = yaml.safe_load((Path(__file__).parents[1] / "vectors/macaroons.yaml").read_text())
# What PyPI's own library, pymacaroons, made, without the prefix: no scanner takes one for a leak.
MADE = {
    "AgEIcHlwaS5vcmcCJDZlNzEyNDJhLTdlM2QtNDMyNS1hYjk2LWFiODY3MmNhMTE2MgACFVsxLFsic2FtcGxlcHJvamVj"
    "dCJdXQACLFsyLFsiMGNkNGE1YTItM2EyNC00YTU5LTlhOTQtOGIyZDlkMmU5ZjdhIl1dAAAGIKEDqW9as52kXjRTRRx2"
    "-VMRJJp15IWuEv332gztfrtX": (
        b'[1,["sampleproject"]]',
        b'[2,["0cd4a5a2-3a24-4a59-9a94-8b2d9d2e9f7a"]]',
    ),
    "AgENdGVzdC5weXBpLm9yZwIkNmU3MTI0MmEtN2UzZC00MzI1LWFiOTYtYWI4NjcyY2ExMTYyAAAGIHiT9TbwD9_htBgT"
    "RL4_ORdxTc35fq33Y0XuwG4TsgfH": (),
    "AgEIcHlwaS5vcmcCAXgAARlodHRwczovL3RoaXJkLmV4YW1wbGUuY29tAgt3aG8gYXJlIHlvdQRIko5-V8J7n98Og7WD"
    "UK1GHHlt39iy9kjxOe4PE0bXyrwJiXqF1Fo27aZdQUKBF1-N8e1T4yQKTjVqMmmmADetYBZvL4MxTvMRAAAGIEolrzo_"
    "35uYJpmuf4J97xrJe1GpkwoPIQGCqDLvtper": (None,),
    "AgEAAgd1c2VyLWlkAAISZXhwaXJlcz0xODAzODU5MjAwAAIVbm90X2JlZm9yZT0xNzcyMzIzMjAwAAAGIBdt8MY_YDfO"
    "XVT9_nj1VjbkPabu27__QbbVXHS5ww_v": (b"expires=1803859200", b"not_before=1772323200"),
}
CAVEATS = st.one_of(
    st.none(),
    st.binary(max_size=20),
    st.sampled_from([row for rows in ROWS for row in rows["caveats"] if row]).map(str.encode),
    st.tuples(st.just(0), st.integers(0, 2**31), st.integers(0, 2**31)).map(
        lambda caveat: json.dumps(caveat).encode()
    ),
    st.lists(st.sampled_from("abc"), max_size=3).map(lambda names: json.dumps([1, names]).encode()),
)


def read(text: bytes) -> Facts:
    return read_token(Sealed(text), Trust(), fingerprint_key=b"key")


@pytest.mark.parametrize("row", ROWS, ids=[row["it"] for row in ROWS])
@pytest.mark.parametrize("prefix", [b"pypi-", b"devpi-"])
def test_the_caveats_leave_what_the_table_says(prefix: bytes, row: dict[str, Any]) -> None:
    facts = read(prefix + minted(row["caveats"]))
    scopes = row.get("scopes")
    assert (facts.family, facts.problems, facts.claims) == (Family.MACAROON, (), None)
    assert facts.terms == Claims(
        expires_at=row.get("ends"),
        not_before=row.get("begins"),
        scopes=None if scopes is None else tuple(scopes),
        endless=row.get("endless", False),
    )


@pytest.mark.parametrize(("text", "caveats"), MADE.items())
def test_what_the_library_of_pypi_writes_is_read(
    text: str, caveats: tuple[bytes | None, ...]
) -> None:
    assert caveats_of(text.encode()) == caveats


@pytest.mark.parametrize("caveats", [[], ['[3,"7a9c1f0e"]', "x" * 300], [None]])
def test_a_macaroon_that_is_cut_off_is_malformed_wherever_it_is(caveats: list[str | None]) -> None:
    whole = minted(caveats)
    assert not isinstance(caveats_of(whole), Problem)
    for length in range(len(whole)):
        found = caveats_of(whole[:length])
        assert isinstance(found, Problem)
        assert found.reason is Reason.MALFORMED_TOKEN
        assert found.fatal


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"", "cut off"),
        (b"\x01\x02\x01x\0\0\x06\x20" + bytes(32), "does not begin as one"),
        (b"\x02\x01\x01x\0\0\x06\x20" + bytes(32), "does not begin as one"),
        (b"\x02\x02\x01x\x04\x01y\0\0\x06\x20" + bytes(32), "does not begin as one"),
        (b"\x02\x02\x01x\0\x04\x01y\0\0\x06\x20" + bytes(32), "other fields"),
        (b"\x02\x02\x01x\0\x01\x01l\x02\x01y\0\0\x06\x20" + bytes(32), "other fields"),
        (b"\x02\x02\x01x\x02\x01y\0\0\x06\x20" + bytes(32), "out of order"),
        (b"\x02\x02\x01x\0\0\x06\x1f" + bytes(31), "no signature of 32 bytes"),
        (b"\x02\x02\x01x\0\0\x05\x20" + bytes(32), "no signature of 32 bytes"),
        (b"\x02\x02" + b"\xff" * 20, "a number without end"),
        (b"\x02\x02\xff\xff\xff\xff\x7fx", "cut off"),
        (bytes(MAX_BYTES), f"longer than {MAX_BYTES} characters"),
    ],
)
def test_bytes_that_are_no_macaroon_are_malformed(data: bytes, detail: str) -> None:
    found = caveats_of(encoded(data))
    assert isinstance(found, Problem)
    assert detail in found.detail


def test_what_follows_the_signature_is_not_looked_at() -> None:
    data = b"\x02\x02\x01x\0\x02\x01y\0\0\x06\x20" + bytes(32)
    assert caveats_of(encoded(data + b"more")) == (b"y",)


@given(
    st.binary(max_size=400) | st.binary(max_size=200).map(lambda rest: b"\x02\x02\x01x\0" + rest)
)
def test_any_bytes_are_caveats_or_a_problem(data: bytes) -> None:
    for text in (data, encoded(data)):
        found = caveats_of(text)
        if isinstance(found, tuple):
            left_by(found)


@given(
    caveats=st.lists(CAVEATS, max_size=4),
    place=st.integers(min_value=0),
    byte=st.integers(0, 255),
)
def test_no_changed_byte_breaks_the_reader(
    caveats: list[bytes | None], place: int, byte: int
) -> None:
    text = bytearray(b"pypi-" + minted(caveats))
    text[place % len(text)] = byte
    assert read(bytes(text)).kind


@given(caveats=st.lists(CAVEATS, max_size=5), more=CAVEATS)
def test_one_caveat_more_never_leaves_more(caveats: list[bytes | None], more: bytes | None) -> None:
    before, after = left_by(caveats), left_by([*caveats, more])
    assert after == left_by([more, *reversed(caveats)])
    last = datetime.max.replace(tzinfo=UTC)
    assert (after.expires_at or last) <= (before.expires_at or last)
    first = datetime.min.replace(tzinfo=UTC)
    assert (after.not_before or first) >= (before.not_before or first)
    assert before.endless or not after.endless
    if before.scopes is not None and after.scopes is not None and before.scopes != ("user",):
        assert set(after.scopes) <= set(before.scopes)


@given(caveats=st.lists(CAVEATS, max_size=4), place=st.integers(0, 4))
def test_beside_an_unknown_caveat_neither_rights_nor_endlessness_are_told(
    caveats: list[bytes | None], place: int
) -> None:
    left = left_by([*caveats[:place], b"[99]", *caveats[place:]])
    assert (left.scopes, left.endless) == (None, False)
