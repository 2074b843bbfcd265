"""Tokens that nobody named: every key of every mounted Secret, looked at by the recogniser."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tokencheck.api.path import parse_path
from tokencheck.api.tokencheck import SecretKeyRef, TokenSpec
from tokencheck.core.tokens.documents import WHOLE_VALUE
from tokencheck.core.tokens.recognise import kind_of
from tokencheck.core.workloads.locate import Located, Mount
from tokencheck.gather.finds import Found
from tokencheck.gather.held import (
    Reading,
    accepted,
    evidence_of,
    source_of,
)
from tokencheck.gather.matched import matched
from tokencheck.gather.search import Search
from tokencheck.model.evidence import (
    Absent,
    Denied,
    Failed,
    SecretContent,
    TokenEvidence,
    Unread,
)
from tokencheck.model.facts import Family

_MAX_NAME = 128  # characters of one member's name in a document


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """What a search gave, and Secret and key of what was too much for it."""

    tokens: tuple[TokenEvidence, ...]
    unsearched: tuple[str, ...]


async def discovered(
    reading: Reading, located: Located, unseen: Unread | None = None
) -> Discovered:
    """Return the tokens of the mounted Secrets that spec.tokens does not name.

    Args:
        reading: what was read.
        located: where to search.
        unseen: why the workload could not be read; None when it could.
    """
    search = Search(reading.sources)
    tokens: list[TokenEvidence] = []
    for mount in located.mounted:
        content = reading.secrets[mount.secret]
        if isinstance(content, SecretContent):
            tokens += await _of_mount(reading, search, mount, content)
        else:
            tokens += _unread(reading, mount, content)
    if isinstance(unseen, Denied | Failed):
        tokens += _unseen(reading, unseen)
    return Discovered(tokens=tuple(tokens), unsearched=search.unsearched)


async def _of_mount(
    reading: Reading, search: Search, mount: Mount, content: SecretContent
) -> list[TokenEvidence]:
    tokens: list[TokenEvidence] = []
    for key in sorted(content.values) if mount.key is None else [mount.key]:
        if key in mount.listed_keys:
            continue
        if key not in content.values:
            ref = SecretKeyRef(name=mount.secret, key=key)
            what = source_of(reading.check.namespace, ref, None)
            tokens += _unread(reading, mount, Absent(what=what, key_only=True))
            continue
        # An opaque text is a token when its key or the variable that takes it says so.
        variables = (site.where for site in mount.sites_of_key(key) if site.key == key)
        called = " ".join([key, *variables])
        found = await search.value(mount.secret, key, called, content.values[key])
        if found is not None:
            tokens += await _of_key(reading, search, mount, key, found)
    if mount.key is None:
        tokens += _removed(reading, mount, content)
    return tokens


async def _of_key(
    reading: Reading, search: Search, mount: Mount, key: str, found: Found
) -> list[TokenEvidence]:
    tokens: list[TokenEvidence] = []
    content = reading.secrets[mount.secret]
    assert isinstance(content, SecretContent)  # noqa: S101 - something was found in it
    for place, (path, facts) in enumerate(found.tokens, 1):
        if (key, path) in mount.listed_fields:
            continue
        if not search.take(f"{mount.secret}/{key}"):
            break
        field = path if speakable(path) else f"#{place}"
        bare = _bare(reading, mount, key, None if field == WHOLE_VALUE else field)
        evidence = evidence_of(reading, bare, content, facts)
        tokens.append(await matched(reading, evidence, content.values[key], path))
    return tokens


def _bare(reading: Reading, mount: Mount, key: str, field: str | None) -> TokenEvidence:
    ref = SecretKeyRef(name=mount.secret, key=key)
    name = f"{mount.secret}/{key}"
    source = source_of(reading.check.namespace, ref, field)
    return TokenEvidence(
        spec=TokenSpec(
            name=f"{name}:{field}" if field else name,
            source=ref,
            listed=False,
            field=field,
            expiry=reading.check.spec.default_expiry,
        ),
        source=source,
        holding=Absent(what=source),
        sites=mount.sites_of_key(key),
    )


def speakable(path: str) -> bool:
    """Return whether a path into a document may be told.

    Whoever wrote the Secret chose the names in it: a status has no room for long or secret ones.

    A document may well map tokens to their owners.
    """
    steps = parse_path(path) if path else ()
    return steps is not None and not any(
        len(step) > _MAX_NAME or kind_of(step.encode("utf-8", "replace"))[1] is not Family.OPAQUE
        for step in steps
        if isinstance(step, str)
    )


def _unread(reading: Reading, mount: Mount, why: Unread) -> list[TokenEvidence]:
    """A Secret that comes back holds the tokens that it held: what is known of each waits for it.

    Under any other name its baseline would be lost, and a stranger taken for the first token.
    """
    waiting = [
        _waiting(reading, mount, stored, why)
        for stored in reading.check.status.get("tokens") or ()
        if _was_found(reading, mount, stored)
    ]
    if waiting:
        return waiting
    namespace = reading.check.namespace
    ref = SecretKeyRef(name=mount.secret, key=mount.key or "*")
    return [
        TokenEvidence(
            spec=TokenSpec(
                name=f"{mount.secret}/{mount.key}" if mount.key else mount.secret,
                source=ref,
                listed=False,
                expiry=reading.check.spec.default_expiry,
            ),
            source=(
                source_of(namespace, ref, None) if mount.key else f"Secret {namespace}/{ref.name}"
            ),
            holding=why,
            sites=mount.sites,
        )
    ]


def _unseen(reading: Reading, why: Denied | Failed) -> Iterator[TokenEvidence]:
    """A workload that cannot be read mounts what it mounted, for all that is known."""
    if not reading.check.spec.discover or accepted(reading.check, ""):
        return
    for stored in reading.check.status.get("tokens") or ():
        mount = Mount(secret=(stored.get("name") or "").partition("/")[0], key=None, sites=())
        if "baseline" in stored and _was_found(reading, mount, stored):
            yield _waiting(reading, mount, stored, why)


def _removed(reading: Reading, mount: Mount, content: SecretContent) -> Iterator[TokenEvidence]:
    """A key that held a token and is gone is a drift like any other, until somebody accepts it."""
    if accepted(reading.check, content.meta.resource_version):
        return
    for stored in reading.check.status.get("tokens") or ():
        if "baseline" in stored and _was_found(reading, mount, stored):
            key = stored["name"].partition("/")[2].partition(":")[0]
            if key not in content.values:
                ref = SecretKeyRef(name=mount.secret, key=key)
                what = source_of(reading.check.namespace, ref, None)
                gone = Absent(what=what, key_only=True, removed=True)
                yield _waiting(reading, mount, stored, gone)


def _was_found(reading: Reading, mount: Mount, stored: Mapping[str, Any]) -> bool:
    """Return whether a token of the stored status was found in this mount, and not listed."""
    name = stored.get("name") or ""
    secret, _, rest = name.partition("/")
    key, _, field = rest.partition(":")
    return (
        secret == mount.secret
        and bool(key)
        and mount.key in (None, key)
        and key not in mount.listed_keys
        and (key, field) not in mount.listed_fields
        and all(name != token.name for token in reading.check.spec.tokens)
    )


def _waiting(
    reading: Reading, mount: Mount, stored: Mapping[str, Any], why: Unread
) -> TokenEvidence:
    name = stored["name"]
    key, _, field = name.partition("/")[2].partition(":")
    bare = _bare(reading, mount, key, field or None)
    return TokenEvidence(
        spec=bare.spec,
        source=bare.source,
        holding=why,
        sites=bare.sites,
        baseline=reading.baseline(name),
    )
