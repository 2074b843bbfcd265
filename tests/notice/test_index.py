from hypothesis import given
from hypothesis import strategies as st

from tokencheck.model.keys import Key
from tokencheck.notice.index import ReferenceIndex

checks = st.sampled_from([Key("TokenCheck", "shop", name) for name in "abc"])
references = st.frozensets(
    st.sampled_from([Key("Secret", "shop", name) for name in "pqrs"]), max_size=4
)


def test_a_secret_that_does_not_exist_yet_finds_the_check_that_waits_for_it():
    index = ReferenceIndex()
    check, absent = Key("TokenCheck", "shop", "checkout"), Key("Secret", "shop", "later")
    index.replace(check, frozenset({absent}))
    assert index.affected(absent) == {check}


def test_what_was_handed_out_does_not_change_when_the_index_does():
    index = ReferenceIndex()
    check, secret = Key("TokenCheck", "shop", "checkout"), Key("Secret", "shop", "s")
    index.replace(check, frozenset({secret}))
    before = index.affected(secret)
    index.forget(check)
    assert before == {check}
    assert index.affected(secret) == frozenset()


@given(st.lists(st.tuples(checks, st.one_of(references, st.none()))))
def test_both_directions_always_agree_and_nothing_is_left_of_what_is_forgotten(steps):
    index, model = ReferenceIndex(), {}
    for check, wanted in steps:
        if wanted is None:
            index.forget(check)
            model.pop(check, None)
        else:
            index.replace(check, wanted)
            model[check] = wanted
    for check in {check for check, _ in steps}:
        assert index.references(check) == model.get(check, frozenset())
    mentioned = frozenset().union(*model.values()) if model else frozenset()
    assert len(index) == len(mentioned)
    for secret in mentioned:
        assert index.affected(secret) == {c for c, wanted in model.items() if secret in wanted}
