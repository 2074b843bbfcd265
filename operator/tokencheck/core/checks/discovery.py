"""What is wrong with the check as a whole: no tokens, no workload, sites that nobody can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokencheck.core.checks.presence import GRANT_READ, WAIT_FOR_READ
from tokencheck.core.checks.words import listed, shown
from tokencheck.model.evidence import (
    SEARCHED_TOKENS,
    SEARCHED_YAML_BYTES,
    Absent,
    Denied,
    Evidence,
    Failed,
)
from tokencheck.model.finding import Check, Finding, Result
from tokencheck.model.reasons import Reason

if TYPE_CHECKING:
    from tokencheck.model.workload import Site


def check_discovery(evidence: Evidence) -> tuple[Finding, ...]:
    """Return the findings that belong to no token: the workload, then what it mounts."""
    return (
        *_workload(evidence),
        *_no_tokens(evidence),
        *map(_unreadable, evidence.unreadable),
        *_unsearched(evidence.unsearched),
    )


def _workload(evidence: Evidence) -> tuple[Finding, ...]:
    """An absent workload is the rollout's matter, as long as there are tokens to judge."""
    match evidence.workload:
        case None:
            return ()
        case Absent(what=what):
            if evidence.tokens:
                return ()
            return (
                _unknown(
                    Reason.WORKLOAD_NOT_FOUND,
                    f"{what} does not exist, so there is nothing to check",
                    f"create {what}, or correct spec.workloadRef",
                ),
            )
        case Denied(what=what):
            detail = f"{what}: the operator may not read it"
            return (_unknown(Reason.ACCESS_DENIED, detail, GRANT_READ),)
        case Failed(what=what):  # pragma: no branch - mypy proves it the last
            return (_unknown(Reason.READ_FAILED, f"{what}: could not be read", WAIT_FOR_READ),)


def _no_tokens(evidence: Evidence) -> tuple[Finding, ...]:
    """A site that was not read may well hold a token, so it forbids to say that there is none."""
    unknown = evidence.unreadable or evidence.unsearched
    if evidence.searched is None or evidence.tokens or unknown:
        return ()
    if evidence.searched:
        what = "Secret" if len(evidence.searched) == 1 else "Secrets"
        detail = f"no value that it mounts looks like one: {what} {listed(evidence.searched)}"
        action = "name it in spec.tokens when one is a token, or mount the token from a Secret"
    else:
        detail = "it mounts no Secret"
        action = "mount the token from a Secret, or name it in spec.tokens"
    return (
        Finding(
            token="",
            check=Check.PRESENT,
            result=Result.FAIL,
            reason=Reason.NO_TOKENS_FOUND,
            message=f"the workload mounts no token that could be recognised: {detail}",
            action=action,
        ),
    )


def _unreadable(site: Site) -> Finding:
    container = f" of container {shown(site.container)}" if site.container else ""
    where = f'{site.kind} "{shown(site.where)}"{container}'
    return Finding(
        token="",
        check=Check.PRESENT,
        result=Result.SKIP,
        reason=Reason.NOT_READABLE,
        message=f"{where}: no Secret holds it, so it is not checked",
    )


def _unsearched(places: tuple[str, ...]) -> tuple[Finding, ...]:
    if not places:
        return ()
    values = "1 more value was" if len(places) == 1 else f"{len(places)} more values were"
    return (
        Finding(
            token="",
            check=Check.PRESENT,
            result=Result.SKIP,
            reason=Reason.NOT_VERIFIABLE,
            message=f"{values} not searched: {listed(places)} (a Secret may hold "
            f"{SEARCHED_YAML_BYTES // 1024} KiB of YAML, a check {SEARCHED_TOKENS} tokens)",
            action="name their tokens in spec.tokens, or store each token in a key of its own",
        ),
    )


def _unknown(reason: Reason, message: str, action: str) -> Finding:
    return Finding(
        token="",
        check=Check.PRESENT,
        result=Result.UNKNOWN,
        reason=reason,
        message=message,
        action=action,
    )
