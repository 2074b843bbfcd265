"""What TokenChecks give away: an operator that does not look, or may not."""

from collections.abc import Iterator, Sequence

from tokencheck.api.quantity import parse_duration
from tokencheck.api.tokencheck import Spec, without_bypass
from tokencheck.core.doctor.diagnosis import Area, Diagnosis, unlisted, well
from tokencheck.core.doctor.facts import CheckSeen, Setup
from tokencheck.model.evidence import Absent, Unread
from tokencheck.model.finding import Result

FRESH_S = 60.0  # a TokenCheck that is younger may just not have had its turn
_MAX_NAMES = 3
_ASLEEP = "no operator looks at them: what they say is of an earlier time"


def checks(
    seen: tuple[CheckSeen, ...] | Unread, setups: tuple[Setup, ...] | Unread
) -> Iterator[Diagnosis]:
    """Say what is out of date, what the operator may not read, and whose author nobody saw."""
    if isinstance(seen, Unread):
        if not isinstance(seen, Absent):  # then the CRDs were found to be missing
            what, kind = "tokenchecks in the whole cluster", "tokenchecks.tokencheck.dev -A"
            yield unlisted(Area.CHECKS, seen, what, kind, "whether they are up to date")
        return
    found = (
        *_asleep(seen),
        *_denied(seen),
        *_broken_glass(seen),
        *_unstamped(seen, () if isinstance(setups, Unread) else setups),
    )
    yield from found
    if not any(one.result is Result.FAIL for one in found):
        counts = [(word, sum(one.ready == word for one in seen)) for word in _READY]
        told = ", ".join(f"{count} Ready={word}" for word, count in counts if count)
        yield well(
            Area.CHECKS,
            f"{_count(seen)}: {told}" if seen else "there are no TokenChecks yet",
        )


_READY = ("True", "False", "Unknown")


def _asleep(seen: Sequence[CheckSeen]) -> Iterator[Diagnosis]:
    for said, sleeping in (
        ("never looked at by an operator", [c for c in seen if c.pending and c.age_s > FRESH_S]),
        (
            "at Ready=True although a token has ended",
            [c for c in seen if c.overdue_s > FRESH_S],
        ),
    ):
        if sleeping:
            yield Diagnosis(
                area=Area.CHECKS,
                result=Result.FAIL,
                said=f"{_count(sleeping)} {said}: {_named(sleeping)}",
                means=_ASLEEP,
                mend=_first(sleeping, "tokencheck check {name} -n {namespace}"),
            )
    behind = [c for c in seen if not c.current and not c.pending]
    if behind:
        yield Diagnosis(
            area=Area.CHECKS,
            result=Result.WARN,
            said=f"the status of {_count(behind)} is about an older spec: {_named(behind)}",
            means="if this lasts for more than some seconds, no operator looks at them",
            mend=_first(behind, "tokencheck check {name} -n {namespace}"),
        )


def _denied(seen: Sequence[CheckSeen]) -> Iterator[Diagnosis]:
    denied = [check for check in seen if check.denied]
    if denied:
        yield Diagnosis(
            area=Area.SECRETS,
            result=Result.WARN,
            said=f"the operator may not read all that {_count(denied)} needs: {_named(denied)}",
            means="they are Unknown (AccessDenied): neither good nor bad",
            mend=_first(denied, "tokencheck explain {name} -n {namespace}"),
        )


def _broken_glass(seen: Sequence[CheckSeen]) -> Iterator[Diagnosis]:
    """Each by itself: who is responsible, until when and why is what one wants to know."""
    for check in seen:
        if check.bypass:
            yield Diagnosis(
                area=Area.CHECKS,
                result=Result.WARN,
                said=f"TokenCheck {check.namespace}/{check.name}: {check.bypass}",
                means="its gate lets everything pass, whatever its tokens are"
                if check.bypassed
                else "its gate is as its tokens are",
                mend=(without_bypass(check.namespace, check.name),),
            )


def _unstamped(seen: Sequence[CheckSeen], setups: Sequence[Setup]) -> Iterator[Diagnosis]:
    """Yield those that were written before the policies were there; elsewhere none has a stamp."""
    slipped_in = [check for check in seen if not check.stamped]
    if slipped_in and any(setup.review_authors for setup in setups):
        yield Diagnosis(
            area=Area.ADMISSION,
            result=Result.WARN,
            said=f"{_count(slipped_in)} written before the API server looked at who asks:"
            f" {_named(slipped_in)}",
            means="nobody knows whether who wrote them may read what they name, so their tokens are"
            " sent to no provider. Have their authors change the spec (that of the"
            " ClusterTokenCheck, where one made them), or vouch for one: the command writes its"
            " interval in another way, as long as before, and so you are who asks",
            mend=(_vouch(slipped_in[0]),),
        )


def _vouch(check: CheckSeen) -> str:
    """Return what changes the spec and nothing that it means; whoever may not, breaks nothing."""
    spec = f'{{"spec":{{"interval":"{_otherwise(check.interval)}"}}}}'
    if check.made_by:
        what = f"clustertokencheck {check.made_by}"
        spec = f'{{"spec":{{"template":{spec}}}}}'
    else:
        what = f"tokencheck {check.name} -n {check.namespace}"
    return f"kubectl patch {what} --type=merge -p '{spec}'"


def _otherwise(interval: str) -> str:
    """Return the same interval in other words."""
    length = parse_duration(interval) or Spec().interval
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    said = f"{minutes}m{seconds}s"
    return said if said != interval else f"0h{said}"


def _first(seen: Sequence[CheckSeen], command: str) -> tuple[str, ...]:
    return (command.format(name=seen[0].name, namespace=seen[0].namespace),)


def _count(seen: Sequence[CheckSeen]) -> str:
    return f"{len(seen)} TokenCheck{'' if len(seen) == 1 else 's'}"


def _named(seen: Sequence[CheckSeen]) -> str:
    names = [f"{check.namespace}/{check.name}" for check in seen]
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
