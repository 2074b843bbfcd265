"""Tokens that nobody named: every key of every mounted Secret, looked at by the recogniser."""

from collections.abc import Iterator

from tokencheck.api.tokencheck import SecretKeyRef, TokenSpec
from tokencheck.core.tokens.documents import WHOLE_VALUE, tokens_in
from tokencheck.core.tokens.path import parse_path
from tokencheck.core.tokens.recognise import kind_of
from tokencheck.core.workloads.locate import Located, Mount
from tokencheck.gather.held import Reading, evidence_of, source_of
from tokencheck.model.evidence import Absent, Holding, SecretContent, TokenEvidence
from tokencheck.model.facts import Family

_MAX_NAME = 128  # characters of one member's name in a document


def discovered(reading: Reading, located: Located) -> list[TokenEvidence]:
    """Return the tokens of the mounted Secrets that spec.tokens does not name."""
    return [evidence for mount in located.mounted for evidence in _of_mount(reading, mount)]


def _of_mount(reading: Reading, mount: Mount) -> Iterator[TokenEvidence]:
    content = reading.secrets[mount.secret]
    if not isinstance(content, SecretContent):
        yield _unread(reading, mount, content)
        return
    for key in sorted(content.values) if mount.key is None else [mount.key]:
        if key in mount.listed_keys:
            continue
        if key not in content.values:
            ref = SecretKeyRef(name=mount.secret, key=key)
            what = source_of(reading.check.namespace, ref, None)
            yield _unread(reading, mount, Absent(what=what, key_only=True))
        else:
            yield from _of_key(reading, mount, key, content)


def _of_key(
    reading: Reading, mount: Mount, key: str, content: SecretContent
) -> Iterator[TokenEvidence]:
    sites = mount.sites_of_key(key)
    # An opaque text is a token when its key or the variable that takes it says so.
    called = " ".join([key, *(site.where for site in sites if site.key == key)])
    for place, (path, text) in enumerate(tokens_in(called, content.values[key]), 1):
        if (key, path) in mount.listed_fields:
            continue
        field = path if _speakable(path) else f"#{place}"
        name = f"{mount.secret}/{key}"
        ref = SecretKeyRef(name=mount.secret, key=key)
        whole = field == WHOLE_VALUE
        spec = TokenSpec(
            name=name if whole else f"{name}:{field}",
            source=ref,
            listed=False,
            field=None if whole else field,
            expiry=reading.check.spec.default_expiry,
        )
        source = source_of(reading.check.namespace, ref, spec.field)
        bare = TokenEvidence(spec=spec, source=source, holding=Absent(what=source), sites=sites)
        yield evidence_of(reading, bare, content, text)


def _speakable(path: str) -> bool:
    """Whoever wrote the Secret chose the names in it: a status has no room for long or secret ones.

    A document may well map tokens to their owners.
    """
    steps = parse_path(path) if path else ()
    return steps is not None and not any(
        len(step) > _MAX_NAME or kind_of(step.encode("utf-8", "replace"))[1] is not Family.OPAQUE
        for step in steps
        if isinstance(step, str)
    )


def _unread(reading: Reading, mount: Mount, why: Holding) -> TokenEvidence:
    namespace = reading.check.namespace
    ref = SecretKeyRef(name=mount.secret, key=mount.key or "*")
    return TokenEvidence(
        spec=TokenSpec(
            name=f"{mount.secret}/{mount.key}" if mount.key else mount.secret,
            source=ref,
            listed=False,
            expiry=reading.check.spec.default_expiry,
        ),
        source=source_of(namespace, ref, None) if mount.key else f"Secret {namespace}/{ref.name}",
        holding=why,
        sites=mount.sites,
    )
