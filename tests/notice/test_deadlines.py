from hypothesis import given
from hypothesis import strategies as st

from tokencheck.model.keys import Key
from tokencheck.notice.deadlines import Deadlines

keys = st.sampled_from([Key("TokenCheck", "shop", name) for name in "abcdef"])


def test_a_key_that_is_moved_ten_thousand_times_leaves_no_heap_behind():
    deadlines, key = Deadlines(), Key("TokenCheck", "shop", "checkout")
    for moment in range(10_000):
        deadlines.set(key, float(moment))
    assert len(deadlines) == 1
    assert deadlines.heap_size < 100
    assert list(deadlines.pop_due(20_000.0, 10)) == [key]
    assert deadlines.earliest() is None


def test_no_more_are_taken_than_asked_for():
    deadlines = Deadlines()
    names = [Key("TokenCheck", "shop", str(number)) for number in range(5)]
    for name in names:
        deadlines.set(name, 1.0)
    assert list(deadlines.pop_due(1.0, 3)) == names[:3]
    assert list(deadlines.pop_due(1.0, 3)) == names[3:]


@given(st.lists(st.tuples(keys, st.one_of(st.none(), st.integers(0, 20)))), st.integers(0, 20))
def test_due_keys_come_once_each_in_the_order_of_their_last_moment(steps, now):
    deadlines, model = Deadlines(), {}
    for number, (key, moment) in enumerate(steps):
        if moment is None:
            deadlines.cancel(key)
            model.pop(key, None)
        else:
            is_first = deadlines.set(key, float(moment))
            model[key] = (moment, number)
            assert is_first or min(model.values()) != model[key] or deadlines.heap_size > 1
    assert len(deadlines) == len(model)
    due = sorted((at, key) for key, at in model.items() if at[0] <= now)
    assert list(deadlines.pop_due(float(now), 100)) == [key for _, key in due]
    later = [at[0] for at in model.values() if at[0] > now]
    assert deadlines.earliest() == (min(later) if later else None)
