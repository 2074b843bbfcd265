"""Addresses where no provider is, and every way to write or carry them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import yaml

LISTS = yaml.safe_load(Path(__file__).with_name("addresses.yaml").read_text())
FORBIDDEN_V4: list[str] = LISTS["forbidden_v4"]
FORBIDDEN_V6: list[str] = LISTS["forbidden_v6"]
FORBIDDEN = (*FORBIDDEN_V4, *FORBIDDEN_V6)
NEVER: list[str] = LISTS["never"]
PRIVATE: dict[str, str] = LISTS["private"]


def carriers(text: str) -> dict[str, str]:
    """IPv6 addresses that carry an IPv4 address, by the name of the form."""
    v4 = int(IPv4Address(text))

    def v6(high: int, low: int) -> str:
        return str(IPv6Address(high << 64 | low))

    return {
        "IPv4-mapped": v6(0, 0xFFFF << 32 | v4),
        "IPv4-compatible": v6(0, v4),
        "SIIT": v6(0, 0xFFFF << 48 | v4),
        "NAT64": v6(0x64FF9B << 32, v4),
        "local NAT64": v6(0x64FF9B0001 << 24, v4),
        "6to4": v6(0x2002 << 48 | v4 << 16, 1),
        "Teredo": v6(0x20010000 << 32 | v4, v4 ^ 0xFFFFFFFF),
        "ISATAP": v6(0xFE80 << 48, 0x5EFE << 32 | v4),
    }


def spellings_v4(text: str) -> dict[str, str]:
    """The same IPv4 address as other readers take it, in a URL; all are refused when read."""
    a, b, c, d = (int(part) for part in text.split("."))
    number = int(IPv4Address(text))
    wide = {ord("0") + digit: chr(0xFF10 + digit) for digit in range(10)}
    circled = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
    spellings = {
        "decimal": f"{number}",
        "hexadecimal": f"0x{number:x}",
        "HEXADECIMAL": f"0X{number:X}",
        "octal": f"0{number:o}",
        "octal parts": f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        "hexadecimal parts": f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
        "mixed parts": f"{a}.0x{b:x}.0{c:o}.{d}",
        "three parts": f"{a}.{b}.{c << 8 | d}",
        "two parts": f"{a}.{number & 0xFFFFFF}",
        "padded": f"{a:03}.{b:03}.{c:03}.{d:03}",
        "dot at the end": f"{text}.",
        "full-width digits": text.translate(wide),
        "ideographic stops": text.replace(".", "。"),
        "circled digits": text.translate(circled),
        "escaped": "".join(f"%{ord(c):02x}" for c in text),
        "escaped dots": text.replace(".", "%2e"),
        "in brackets": f"[{text}]",
        "after a user": f"fine.test@{text}",
        "after a user and password": f"fine.test:443@{text}",
        "after a back slash": f"{text}\\@fine.test",
        "with a zone": f"[::ffff:{text}%25lo]",
        "a space": f" {text}",
        "a tab": f"{text}\t",
        "a line feed": f"{text}\n",
        "overflowing": f"{a + 256}.{b}.{c}.{d}",
        "empty port": f"{text}:",
        "octal port": f"{text}:0443",
        "port beyond": f"{text}:65979",  # 443 modulo 65536
    }
    return {form: spelling for form, spelling in spellings.items() if spelling != text}


def spellings_v6(text: str) -> dict[str, str]:
    """The same IPv6 address, refused when read."""
    return {
        "with a zone": f"[{text}%lo]",
        "with an escaped zone": f"[{text}%25lo]",
        "with zone 1": f"[{text}%1]",
        "without brackets": text,
        "half a bracket": f"[{text}",
        "IPvFuture": f"[v6.{text}]",
        "after a user": f"fine.test@[{text}]",
        "ip6.arpa dot": f"[{text}].",
    }
