"""The kubectl commands that give rights: to be read, and pasted as they stand."""

import hashlib
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from tokencheck.model.rights import Right

_MAX_NAME, _DIGITS = 63, 6
_ACCOUNT = "system:serviceaccount:"
_Group = tuple[str, str, str]  # namespace, resource, name


def commands_for(rights: Iterable[Right], user: str) -> tuple[str, ...]:
    """Return the commands that give `user` these rights, and no other.

    A role per place and set of verbs, with a name that says what is in it; and its binding.

    Args:
        rights: that are missing.
        user: its name as the API server knows it.
    """
    by_resource = {
        place: tuple(right.verb for right in of_it)
        for place, of_it in groupby(sorted(rights, key=_place), _place)
    }
    by_verbs: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for (namespace, kind, name), verbs in by_resource.items():
        by_verbs.setdefault((namespace, verbs, name), []).append(kind)
    return tuple(
        command
        for (namespace, verbs, name), kinds in by_verbs.items()
        for command in _grant(namespace, verbs, kinds, name, user)
    )


def author_command(namespace: str, user: str, option: str) -> str:
    """Return the command that lets `user` ask for something in a namespace."""
    who = shlex.quote(user)
    return f"tokencheck rbac author -n {namespace} --user {who} {option} | kubectl apply -f -"


def _place(right: Right) -> _Group:
    return right.namespace, right.kind, right.name


def _grant(
    namespace: str, verbs: Sequence[str], kinds: Sequence[str], name: str, user: str
) -> Iterator[str]:
    role = _role_name(verbs, kinds, name, user)
    prefix = "" if namespace else "cluster"
    where = f" -n {namespace}" if namespace else ""
    only = f" --resource-name={shlex.quote(name)}" if name else ""
    what = f"--verb={','.join(verbs)} --resource={','.join(kinds)}{only}"
    yield f"kubectl create {prefix}role {role}{where} {what}"
    yield f"kubectl create {prefix}rolebinding {role}{where} --{prefix}role={role} {_subject(user)}"


def _subject(user: str) -> str:
    if user.startswith(_ACCOUNT):
        return f"--serviceaccount={user.removeprefix(_ACCOUNT)}"
    return f"--user={shlex.quote(user)}"


def _role_name(verbs: Sequence[str], kinds: Sequence[str], name: str, user: str) -> str:
    """Return a name that says what is in the role; two roles never share one."""
    who = user.rpartition(":")[2]
    what = kinds[0].partition(".")[0] + ("-status" if kinds[0].endswith("/status") else "")
    more = f"-and-{len(kinds) - 1}-more" if len(kinds) > 1 else ""
    told = "-".join(filter(None, (who, *verbs, f"{what}{more}", name)))
    text = re.sub(r"[^a-z0-9.-]+", "-", told.lower()).strip("-.")
    if text == told and len(text) <= _MAX_NAME:
        return text
    digest = hashlib.sha256("\0".join((told, *kinds)).encode()).hexdigest()[:_DIGITS]
    return f"{text[: _MAX_NAME - _DIGITS - 1].strip('-.')}-{digest}"
