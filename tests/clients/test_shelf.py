"""What is held of our own kinds, whoever hands in what in which order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tokencheck.api.tokencheck import Spec, TokenCheck
from tokencheck.clients.kube.shelf import Shelf
from tokencheck.model.keys import Key

PLACES = st.tuples(st.sampled_from(["shop", "mail", "pay"]), st.sampled_from(["a", "b"]))


def check(namespace: str, name: str) -> TokenCheck:
    seen = {"uid": "u", "generation": 1, "resource_version": "1"}
    return TokenCheck(namespace=namespace, name=name, spec=Spec(), **seen)


@given(steps=st.lists(st.tuples(st.booleans(), PLACES), max_size=30))
def test_the_namespaces_are_those_of_the_checks_that_are_held(
    steps: list[tuple[bool, tuple[str, str]]],
) -> None:
    shelf, held = Shelf(), set()
    for put, place in steps:
        if put:
            shelf.put_check(check(*place))
            held.add(place)
        else:
            shelf.drop_check(Key("TokenCheck", *place))
            held.discard(place)
        assert shelf.namespaces() == {namespace for namespace, _ in held}
        assert shelf.versions("TokenCheck").keys() == {Key("TokenCheck", *one) for one in held}
