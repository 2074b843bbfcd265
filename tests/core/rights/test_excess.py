"""What is granted is either named or told as excess, whatever roles and specs say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tokencheck.core.rights.excess import Beyond, beyond, excess_told, right_of
from tokencheck.core.rights.granted import Granted, Target, allows, verbs_of
from tokencheck.core.tokens.formats import finished
from tokencheck.model.rights import Right

VERBS = st.sampled_from(["get", "list", "bind", "*"])
GROUPS = st.sampled_from(["", "apps", "*"])
RESOURCES = st.sampled_from(["pods", "pods/log", "secrets", "nodes", "*/log", "*", "pods/*"])
NAMESPACES = st.sampled_from(["", "shop", "billing"])
TARGETS = st.builds(Target, GROUPS, RESOURCES, NAMESPACES, st.sampled_from(["", "a", "b"]))
GRANTED = st.dictionaries(TARGETS, st.frozensets(VERBS, min_size=1), max_size=8)
RIGHTS = st.builds(Right, verb=VERBS, group=GROUPS, resource=RESOURCES, namespace=NAMESPACES)


def told(granted: Granted, named: list[Right]) -> Beyond:
    return finished(beyond(granted, named))


@given(GRANTED, st.lists(RIGHTS, max_size=4))
def test_nothing_is_lost_and_nothing_that_is_named_is_told(
    granted: Granted, named: list[Right]
) -> None:
    excess = [right_of(*one) for one in told(granted, named)]
    every = verbs_of((*named, *excess))
    of_pods = [right for right in named if right.resource == "pods/*"]
    for target, verbs in granted.items():
        for verb in verbs:
            right = right_of(verb, target)
            # A spec may name all subresources of one resource, which RBAC knows nothing of.
            sub = [r for r in of_pods if "pods/" in right.resource]
            assert sub or allows(every, right)
    assert not any(allows(verbs_of(named), right) for right in excess)


@given(GRANTED)
def test_each_is_told_by_the_widest_that_says_it(granted: Granted) -> None:
    found = told(granted, [])
    rights = {one: right_of(*one) for one in found}
    for one, right in rights.items():
        others = verbs_of(other for at, other in rights.items() if at != one and not found[at])
        assert not allows(others, right)


@given(GRANTED)
def test_a_few_are_told_and_all_are_counted(granted: Granted) -> None:
    found = told(granted, [])
    excess = excess_told(found, "shop", {("", "nodes"): False})
    assert excess.count <= len(found)
    assert len(excess.scopes) == min(16, excess.count)
    of_cluster = [one for one in found if one[1].plural == "nodes" and not one[1].group]
    left_out = [one for one in of_cluster if one[1].namespace and one[0] in ("get", "list")]
    assert excess.count == len(found) - len(left_out)
