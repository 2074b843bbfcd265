from tokencheck.model.change import Cause, Change
from tokencheck.model.keys import Key
from tokencheck.notice.feed import Feed
from tokencheck.notice.index import ReferenceIndex
from tokencheck.notice.queue import Queue

CHECK = Key("TokenCheck", "shop", "checkout")
SECRET = Key("Secret", "shop", "payments")


def made():
    index, queue = ReferenceIndex(), Queue(lambda: 0.5)
    return index, queue, Feed(index, queue, frozenset({"TokenCheck"}))


def test_a_secret_makes_the_checks_due_that_depend_on_it():
    index, queue, feed = made()
    index.replace(CHECK, frozenset({SECRET}))
    feed.notice(Change(key=SECRET, cause=Cause.SECRET_CHANGED, seen_at=3.0))
    work = queue.next()
    assert (work.key, work.causes, work.first_seen) == (CHECK, {Cause.SECRET_CHANGED}, 3.0)
    assert queue.next() is None


def test_a_secret_that_nobody_names_makes_nothing_due():
    _, queue, feed = made()
    feed.notice(Change(key=SECRET, cause=Cause.SECRET_CHANGED, seen_at=3.0))
    assert queue.depth == 0


def test_a_check_is_due_itself_when_it_changes_and_when_it_is_deleted():
    _, queue, feed = made()
    feed.notice(Change(key=CHECK, cause=Cause.SPEC_CHANGED, seen_at=3.0))
    queue.done(queue.next())
    feed.notice(Change(key=CHECK, cause=Cause.SPEC_CHANGED, seen_at=3.0, gone=True))
    assert queue.next().key == CHECK


def test_a_change_of_a_check_reaches_what_depends_on_it_too():
    index, queue, feed = made()
    other = Key("TokenCheck", "shop", "cart")
    index.replace(other, frozenset({CHECK}))
    feed.notice(Change(key=CHECK, cause=Cause.REFERENCE_CHANGED, seen_at=0.0))
    assert {queue.next().key, queue.next().key} == {CHECK, other}
