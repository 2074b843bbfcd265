"""What the doctor says of the chart's other policies, and of checks from before there were any."""

from __future__ import annotations

import json
import shlex

import pytest

from core.doctor.test_examine import admission, check, said_of, setup
from tokencheck.core.doctor.diagnosis import Area
from tokencheck.model.admission import Guard
from tokencheck.model.evidence import Absent, Denied, Unread
from tokencheck.model.finding import Result


@pytest.mark.parametrize(
    ("shipped", "result", "said"),
    [
        (False, "Fail", "is not the one that this version ships"),
        (Absent(what=""), "Fail", "is not installed"),
        (Denied(what=""), "Unknown", "could not be read"),
    ],
)
@pytest.mark.parametrize("guard", Guard)
def test_a_policy_that_does_not_guard_is_told_by_its_name(
    guard: Guard, shipped: bool | Unread, result: str, said: str
) -> None:
    others = dict.fromkeys(Guard, True)
    (found,) = said_of(**admission(guards=others | {guard: shipped}))
    assert (found.area, found.result) == (Area.ADMISSION, Result(result))
    assert found.said == f"the policy {guard} or its binding {said}"
    assert all(guard in command for command in found.mend[:1])


def test_an_upgrade_comes_after_all_that_it_could_not_mend() -> None:
    guards = {Guard.STAMP: False, Guard.CLUSTER: Absent(what=""), Guard.STATUS: True}
    first, second = said_of(**admission(guards=guards))
    assert first.mend == second.mend
    *deletes, install = first.mend
    assert [one.split()[3] for one in deletes] == [Guard.STAMP, Guard.CLUSTER]
    assert install.startswith("helm upgrade")


@pytest.mark.parametrize("guard", Guard)
def test_a_policy_that_is_bound_in_another_way_is_bound_again_and_never_deleted(
    guard: Guard,
) -> None:
    seen = admission(guards={guard: False}, unbound=frozenset({guard}), stamps=True)
    (found,) = said_of(**seen)
    assert found.said == f"the policy {guard} is not bound as this version binds it"
    deny, *more = map(shlex.split, found.mend)
    where = f"kubectl patch validatingadmissionpolicybinding {guard} --type=json -p"
    assert deny[:-1] == where.split()
    spec = {"policyName": guard, "validationActions": ["Deny"]}
    assert json.loads(deny[-1]) == [{"op": "replace", "path": "/spec", "value": spec}]
    assert [one[2:4] for one in more] == [
        ["mutatingadmissionpolicybinding", guard] for _ in range(guard is Guard.STAMP)
    ]


def test_who_binds_again_installs_only_what_else_is_another_one() -> None:
    both = {Guard.CLUSTER: False, Guard.STATUS: False}
    first, second = said_of(**admission(guards=both, unbound=frozenset({Guard.CLUSTER})))
    assert first.mend == second.mend
    bind, delete, install = first.mend
    assert (bind.split()[1], delete.split()[1]) == ("patch", "delete")
    assert Guard.STATUS in delete
    assert install.startswith("helm upgrade")


@pytest.mark.parametrize(
    ("stamps", "deleted", "looked_at"),
    [(True, True, True), (False, False, False), (None, False, True)],
)
def test_only_kinds_that_the_api_server_may_have_are_in_a_command(
    stamps: bool | None, deleted: bool, looked_at: bool
) -> None:
    """Of a list with another one kubectl does nothing."""
    kind = "mutatingadmissionpolicies"
    (altered,) = said_of(**admission(guards={Guard.STAMP: False}, stamps=stamps))
    assert (kind in altered.mend[0]) is deleted
    (unread,) = said_of(**admission(guards={Guard.STAMP: Denied(what="")}, stamps=stamps))
    assert (kind in unread.mend[0]) is looked_at
    (other,) = said_of(**admission(guards={Guard.CLUSTER: False}, stamps=stamps))
    assert kind not in other.mend[0]


def test_a_check_that_was_written_unseen_is_told_where_authors_are_stamped() -> None:
    (found,) = said_of(**check(stamped=False), **setup(review_authors=True))
    assert (found.area, found.result) == (Area.ADMISSION, Result.WARN)
    assert found.said.endswith("written before the API server looked at who asks: shop/other")


@pytest.mark.parametrize(
    ("seen", "command"),
    [
        ({"interval": "10m"}, 'tokencheck other -n shop --type=merge -p {"interval":"10m0s"}'),
        ({"interval": "30s"}, 'tokencheck other -n shop --type=merge -p {"interval":"0m30s"}'),
        ({"interval": "10m0s"}, 'tokencheck other -n shop --type=merge -p {"interval":"0h10m0s"}'),
        ({"interval": "7d"}, 'tokencheck other -n shop --type=merge -p {"interval":"10080m0s"}'),
        ({}, 'tokencheck other -n shop --type=merge -p {"interval":"10m0s"}'),
        ({"made_by": "all", "interval": "1h30m"},
         'clustertokencheck all --type=merge -p {"template":{"spec":{"interval":"90m0s"}}}'),
    ],
)  # fmt: skip
def test_who_vouches_for_a_check_changes_nothing_that_its_spec_means(
    seen: dict[str, str], command: str
) -> None:
    """And can lose nothing: a request that is refused leaves the check as it was."""
    (found,) = said_of(**check(stamped=False, **seen), **setup(review_authors=True))
    words = command.split()
    words[-1] = f'{{"spec":{words[-1]}}}'
    assert shlex.split(found.mend[0]) == ["kubectl", "patch", *words]
