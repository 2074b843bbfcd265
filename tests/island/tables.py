"""The whole table: what may be reached and what may not, generated from short lists."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from island.listeners import Host
from island.servers import answers, cookies, secured, silent
from island.spellings import (
    FORBIDDEN,
    FORBIDDEN_V4,
    FORBIDDEN_V6,
    LISTS,
    NEVER,
    PRIVATE,
    carriers,
    spellings_v4,
    spellings_v6,
)
from island.vector import ANSWER, BAD_URL, Vector
from island.ways import BODIES

FORBIDDEN_ADDRESS = "AddressForbidden"
PROXY = "3.3.3.3"
_numbers = itertools.count(1)


def fresh() -> tuple[str, str]:
    """A name and a public address that no other vector has."""
    number = next(_numbers)
    return f"v{number}.test", str(IPv4Address(0x08000000 + number))  # 8.0.0.0/8 is public


def record(address: str) -> str:
    return f"{'AAAA' if ':' in address else 'A'} {address}"


def literal(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def at(name: str, *addresses: str) -> dict[str, Host]:
    return {address: Host(name=name) for address in addresses}


def refused(family: str, what: str, name: str, *turns: tuple[str, ...], **more: object) -> Vector:
    return Vector(
        id=f"{family}: {what}",
        family=family,
        url=f"https://{name}/keys",
        expect=FORBIDDEN_ADDRESS,
        names={name: turns, **more.pop("aliases", {})},  # type: ignore[dict-item]
        **more,  # type: ignore[arg-type]
    )


def names_that_lead_astray() -> Iterator[Vector]:
    """Each forbidden address, alone and hidden, behind each kind of record."""
    for bad in FORBIDDEN:
        name, good = fresh()
        yield refused("record", f"{bad} alone", name, (record(bad),))
        name, good = fresh()
        yield refused("record", f"{bad} after a good one", name, (record(good), record(bad)))
        name, good = fresh()
        yield refused("record", f"{bad} before a good one", name, (record(bad), record(good)))
        name, good = fresh()
        many = [record(str(IPv4Address(good) + step)) for step in (1 << 20, 2 << 20, 3 << 20, 0)]
        yield refused("record", f"{bad} as the fifth", name, (*many, record(bad)))
        name, good = fresh()
        alias = {f"a.{name}": ((record(bad),),)}
        yield refused("record", f"{bad} by CNAME", name, (f"CNAME a.{name}",), aliases=alias)
        chain = {f"{i}.{name}": ((f"CNAME {i + 1}.{name}",),) for i in range(1, 6)}
        chain[f"6.{name}"] = ((record(bad), record(good)),)
        yield refused("record", f"{bad} by six CNAMEs", name, (f"CNAME 1.{name}",), aliases=chain)
        name, good = fresh()
        other = "A" if ":" in bad else "AAAA"
        beside = record(good) if other == "A" else record(f"2600::{good}")
        yield refused("record", f"{bad} beside a good {other}", name, (beside, record(bad)))
    for v4 in FORBIDDEN_V4:
        for form, address in carriers(v4).items():
            name, _ = fresh()
            yield refused("record", f"{v4} as {form}", name, (record(address),))


def names_that_change() -> Iterator[Vector]:
    """The first answer is good, every later one is not (DNS rebinding)."""
    for bad in FORBIDDEN:
        name, good = fresh()
        yield Vector(
            id=f"rebinding: {bad} at the second look-up",
            family="rebinding",
            url=f"https://{name}/keys",
            expect=ANSWER,
            may_reach=(good,),
            names={name: ((record(good),), (record(bad),))},
            hosts=at(name, good, bad),
        )


def spelled() -> Iterator[Vector]:
    """Forbidden addresses written into the URL itself."""
    for bad in FORBIDDEN:
        for port in ("", ":443", ":8443"):
            yield Vector(
                id=f"spelling: {bad}{port} as it is",
                family="spelling",
                url=f"https://{literal(bad)}{port}/keys",
                expect=FORBIDDEN_ADDRESS,
            )
    for bad in FORBIDDEN_V6:
        full = IPv6Address(bad).exploded
        for form, text in {"in full": full, "in capitals": full.upper()}.items():
            url = f"https://[{text}]/keys"
            yield Vector(
                id=f"spelling: {bad} {form}", family="spelling", url=url, expect=FORBIDDEN_ADDRESS
            )
    for v4 in FORBIDDEN_V4:
        for form, address in carriers(v4).items():
            yield Vector(
                id=f"spelling: {v4} as {form}",
                family="spelling",
                url=f"https://[{address}]/keys",
                expect=FORBIDDEN_ADDRESS,
            )


def misspelled() -> Iterator[Vector]:
    """Forbidden addresses written so that another reader might see a name."""
    forms = [(bad, spellings_v4(bad)) for bad in FORBIDDEN_V4]
    forms += [(bad, spellings_v6(bad)) for bad in FORBIDDEN_V6]
    for bad, spellings in forms:
        for form, text in spellings.items():
            yield Vector(
                id=f"reading: {bad} {form}",
                family="reading",
                url=f"https://{text}/keys",
                expect=BAD_URL,
            )


def redirected() -> Iterator[Vector]:
    for bad in (*FORBIDDEN, PROXY):
        for status in (300, 301, 302, 303, 307, 308):
            name, good = fresh()
            forms = (f"https://{literal(bad)}/keys", f"//{literal(bad)}/keys")
            location = forms[status % 2]
            yield Vector(
                id=f"redirect: {status} to {location}",
                family="redirect",
                url=f"https://{name}/keys",
                expect="RedirectRefused",
                may_reach=(good,),
                credential_at=(good,),
                names={name: ((record(good),),)},
                hosts={good: Host(serve=f"redirect {status} {location}", name=name)},
            )
    for status, location in itertools.product((301, 307), ("/other", "keys2", "?a=b", "#x", "")):
        name, good = fresh()
        yield Vector(
            id=f"redirect: {status} within the host to '{location}'",
            family="redirect",
            url=f"https://{name}/keys",
            expect="RedirectRefused",
            may_reach=(good,),
            credential_at=(good,),
            names={name: ((record(good),),)},
            hosts={good: Host(serve=f"redirect {status} {location}", name=name)},
        )


def proxied() -> Iterator[Vector]:
    """Whatever the environment says, no proxy is used that no admin named."""
    variables = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "proxy")
    schemes = ("http://", "https://", "socks5://", "socks5h://", "")
    for variable, scheme in itertools.product((*variables, *map(str.upper, variables)), schemes):
        name, good = fresh()
        yield Vector(
            id=f"proxy: {variable}={scheme}…",
            family="proxy",
            url=f"https://{name}/keys",
            expect=ANSWER,
            may_reach=(good,),
            names={name: ((record(good),),)},
            hosts=at(name, good),
            environ={variable: f"{scheme}{PROXY}:3128", "no_proxy": "", "NO_PROXY": ""},
        )


def addresses_of_sites() -> Iterator[Vector]:
    """Paths and addresses that two readers could take for different ones."""
    wrong = list(LISTS["urls"])
    wrong += [
        "https://v.test:4 43/",
        f"https://v.test/{'a' * 2048}",
        f"https://{'a' * 64}.test/",
        "",
    ]
    wrong += [f"https://v.test/a{c}b" for c in map(chr, (*range(33), 127, 0x85, 0xA0, 0x2028))]
    wrong += [f"https://v{c}.test/" for c in map(chr, (*range(33), 127, 0xAD, 0x200B, 0x2024))]
    wrong += [f"{c}https://v.test/" for c in "\t\n\r \0\ufeff"]
    for url in wrong:
        yield Vector(
            id=f"reading: {url[:60]!a}",
            family="reading",
            url=url,
            expect=BAD_URL,
            names={"v.test": (("A 8.255.0.1",),)},
        )


def not_listed() -> Iterator[Vector]:
    """Only hosts that the admin lists; what a document of the issuer names is no permission."""
    lists = ("other.test", "test", "*.test", "NAME.other.test", "other.NAME", "NAME:8443", "NAME.")
    for listed in (*lists, ""):
        name, good = fresh()
        places = (listed.replace("NAME", name),) if listed else ()
        yield Vector(
            id=f"listing: the host is not {listed or 'listed at all'}",
            family="listing",
            url=f"https://{name}/keys",
            expect="NotAsked",
            places=places,
            names={name: ((record(good),),)},
            hosts=at(name, good),
        )
    for url_port, listed_port in (("", ":8443"), (":8443", ""), (":80", ":8443"), (":3128", "")):
        name, good = fresh()
        yield Vector(
            id=f"listing: port '{url_port}' when '{listed_port}' is listed",
            family="listing",
            url=f"https://{name}{url_port}/keys",
            expect="NotAsked",
            places=(f"{name}{listed_port}",),
            names={name: ((record(good),),)},
        )


def listed_private() -> Iterator[Vector]:
    """Private networks are reached when an admin lists them, and only these."""
    for address, network in PRIVATE.items():
        forms = {"as it is": address}
        if ":" not in address:
            forms |= {k: v for k, v in carriers(address).items() if k == "IPv4-mapped"}
        for form, carried in forms.items():
            name, _ = fresh()
            fine = Vector(
                id=f"control: {address} {form} when {network} is listed",
                family="control",
                url=f"https://{name}/keys",
                expect=ANSWER,
                may_reach=(address,),
                names={name: ((record(carried),),)},
                hosts=at(name, address),
                cidrs=("10.255.255.0/24", network),
            )
            yield fine
            other, _ = fresh()
            yield replace(
                fine,
                id=f"listing: {address} {form} when another network is listed",
                family="listing",
                url=f"https://{other}/keys",
                expect=FORBIDDEN_ADDRESS,
                names={other: ((record(carried),),)},
                may_reach=(),
                cidrs=("10.255.255.0/24", "fd99::/64"),
            )
    for bad in NEVER:
        name, _ = fresh()
        listed = ("0.0.0.0/0", "::/0", f"{bad}/{128 if ':' in bad else 32}")
        yield refused("never", f"{bad} though listed", name, (record(bad),), cidrs=listed)


def reached() -> Iterator[Vector]:
    """What must succeed: the other half of every refusal."""
    for address in LISTS["public"]:
        name, _ = fresh()
        yield Vector(
            id=f"control: {address} by name",
            family="control",
            url=f"https://{name}/keys",
            expect=ANSWER,
            may_reach=(address,),
            names={name: ((record(address),),)},
            hosts=at(name, address),
        )
        yield Vector(
            id=f"control: {address} as it is",
            family="control",
            url=f"https://{literal(address)}/keys",
            expect=ANSWER,
            may_reach=(address,),
            hosts=at(address, address),
        )


def reached_in_many_ways() -> Iterator[Vector]:
    """Names, ports and paths as people write them."""
    urls = (
        "https://NAME",
        "https://NAME/",
        "HTTPS://NAME/keys",
        "https://NAME:443/keys",
        "https://NAME:8443/keys",
        "https://NAME/a/b.c/~d/e-f_g",
        "https://NAME/keys?p=b2c_1&v=2",
        "https://NAME/a/",
        "https://NAME/realms/x/@v:1,2+3=4!$&'()*",
    )
    for url, upper in itertools.product(urls, (False, True)):
        name, good = fresh()
        yield Vector(
            id=f"control: {url}{' in capitals' if upper else ''}",
            family="control",
            url=url.replace("NAME", name.upper() if upper else name),
            expect=ANSWER,
            may_reach=(good,),
            names={name: ((record(good),),)},
            hosts=at(name, good),
        )
    for turns in (("CNAME a.HOST",), ("A ADDRESS", "AAAA 2600::2")):
        name, good = fresh()
        records = tuple(t.replace("HOST", name).replace("ADDRESS", good) for t in turns)
        yield Vector(
            id=f"control: {turns}",
            family="control",
            url=f"https://{name}/keys",
            expect=ANSWER,
            may_reach=(good, "2600::2"),
            names={name: (records,), f"a.{name}": ((record(good),),)},
            hosts=at(name, good, "2600::2"),
        )


def in_bodies() -> Iterator[Vector]:
    """The token in the body of a POST, and the operator's own credentials beside it.

    Of records those alone: the address is judged before it matters what would be sent there.
    """
    made = itertools.chain(
        reached_in_many_ways(),
        names_that_lead_astray(),
        names_that_change(),
        redirected(),
        not_listed(),
        listed_private(),
        secured(fresh, record),
    )
    chosen = (v for v in made if v.family != "record" or v.id.endswith(" alone"))
    for number, vector in enumerate(chosen):
        way = BODIES[(number + number // 6) % 3]  # each of the six redirects meets every way
        yield replace(vector, id=f"{vector.id}, shown as {way}", way=way)


def vectors() -> list[Vector]:
    """Every vector; their order and names are the same at every call of a process."""
    global _numbers
    _numbers = itertools.count(1)
    made = itertools.chain(
        reached(),
        reached_in_many_ways(),
        names_that_lead_astray(),
        names_that_change(),
        spelled(),
        misspelled(),
        redirected(),
        proxied(),
        addresses_of_sites(),
        not_listed(),
        listed_private(),
        answers(fresh, record),
        secured(fresh, record),
        silent(fresh, record),
        cookies(fresh, record),
        in_bodies(),
    )
    return list(made)
