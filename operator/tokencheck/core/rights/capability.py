"""Scopes that are capabilities on a path of Vault: ``read:secret/data/payments``.

The form is ``CAPABILITY:PATH``, in Vault's words, the path below that of the API and of the
namespace in its address. A path is one that a request could have: what a policy makes of ``*`` and
``+`` Vault is not asked, and would answer about a path with these characters. It begins with that
of a mount, so there is a slash in it; an answer about ``data`` or ``auth`` alone would have two
members of that name.

Source: the documentation of Vault and OpenBao, "Policies" (capabilities) and "/sys/capabilities".
"""

from typing import NamedTuple

from tokencheck.api.tokencheck import Scopes

WORDS = frozenset({"create", "read", "update", "patch", "delete", "list", "sudo"})
_ALL, _NOTHING = "root", "deny"
_MAX_PATH = 128  # characters: a scope has no more


class Capability(NamedTuple):
    """What may be done, and on which path."""

    word: str
    path: str


def capability_of(scope: str) -> Capability | None:
    """Return what a scope allows; None when it has another form."""
    word, _, path = scope.partition(":")
    return Capability(word, path) if word in WORDS and _is_path(path) else None


def paths_of(scopes: Scopes) -> tuple[str, ...]:
    """Return the paths of capabilities that are required or forbidden, each once."""
    found = map(capability_of, (*scopes.required, *scopes.forbidden))
    return tuple(dict.fromkeys(one.path for one in found if one is not None))


def has(told: frozenset[str] | None, capability: Capability) -> bool | None:
    """Return whether somebody has it who is told to have these on its path; None for not told.

    Whoever is denied has nothing, and root has all, ``sudo`` too; no other includes another.
    """
    if not told:
        return None
    return _NOTHING not in told and not told.isdisjoint({capability.word, _ALL})


def _is_path(path: str) -> bool:
    """Return whether a request could have it, and Vault would take it as it is."""
    plain = len(path) <= _MAX_PATH and path.isprintable() and path == path.strip()
    return plain and path.find("/") > 0 and "*" not in path and "+" not in path.split("/")
