"""The text itself: another alphabet, padding, spare bits, white space, dots, cut off."""

from __future__ import annotations

from oracle.draft import Change, Draft

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _part(draft: Draft, change: Change) -> None:
    """Change one of the three parts."""
    place = draft.rng.randrange(3)

    def whole(text: bytes) -> bytes:
        parts = text.split(b".")
        if place < len(parts):
            parts[place] = change(parts[place])
        return b".".join(parts)

    draft.changes.append(whole)


def padding(draft: Draft) -> None:
    count = draft.rng.choice([0, 1, 2, 3])
    _part(draft, lambda part: part + b"=" * (count or -len(part) % 4))


def spare_bits(draft: Draft) -> None:
    """Another last character that stands for the same bytes. Source: RFC 4648 section 3.5."""

    def change(part: bytes) -> bytes:
        spare, value = {2: 16, 3: 4}.get(len(part) % 4), _ALPHABET.find(part[-1:])
        if spare is None or value % spare:
            return part
        return part[:-1] + _ALPHABET[value + 1 : value + 2]

    _part(draft, change)


def standard_alphabet(draft: Draft) -> None:
    """Source: RFC 4648 section 4 in place of section 5."""
    draft.changes.append(lambda text: text.translate(bytes.maketrans(b"-_", b"+/")))


def foreign_character(draft: Draft) -> None:
    found = draft.rng.choice(
        [b"!", b" ", b"\n", b"\r", b"\r\n", b"\t", b"%3D", b"~", b"\xc3\xa9", b"\0"]
    )
    share = draft.rng.random()
    draft.changes.append(lambda t: t[: int(len(t) * share)] + found + t[int(len(t) * share) :])


def around(draft: Draft) -> None:
    before, after = draft.rng.choice([b"", b" ", b"\n"]), draft.rng.choice([b"\n", b" ", b"\r\n"])
    draft.changes.append(lambda text: before + text + after)


def dressed(draft: Draft) -> None:
    before, after = draft.rng.choice([(b"Bearer ", b""), (b'"', b'"'), (b"\xef\xbb\xbf", b"")])
    draft.changes.append(lambda text: before + text + after)


def cut_off(draft: Draft) -> None:
    share = draft.rng.random()
    draft.changes.append(lambda text: text[: int(len(text) * share)])


def one_less(draft: Draft) -> None:
    _part(draft, lambda part: part[:-1])


def dots(draft: Draft) -> None:
    draft.changes.append(
        draft.rng.choice(
            [
                lambda t: t + b".",
                lambda t: b"." + t,
                lambda t: t.replace(b".", b"..", 1),
                lambda t: t + b".e30",
                lambda t: t + b"..",
                lambda t: t.replace(b".", b"", 1),
                lambda t: t.rsplit(b".", 1)[0],
                lambda t: t.rsplit(b".", 1)[0] + b".",
            ]
        )
    )


def part_of_another(draft: Draft) -> None:
    """Header, payload or signature of nothing."""
    other = draft.rng.choice([b"e30", b"", b"bnVsbA", b"eyJhbGciOiJub25lIn0", b"AAAA"])
    _part(draft, lambda _: other)


def other_form(draft: Draft) -> None:
    """The JSON serialisation of the same token. Source: RFC 7515 section 7.2."""

    def change(text: bytes) -> bytes:
        parts = [*text.split(b"."), b"", b"", b""]
        return b'{"protected":"%s","payload":"%s","signature":"%s"}' % tuple(parts[:3])

    draft.changes.append(change)


TWISTS = (
    padding,
    spare_bits,
    standard_alphabet,
    foreign_character,
    around,
    dressed,
    cut_off,
    one_less,
    dots,
    part_of_another,
    other_form,
)
