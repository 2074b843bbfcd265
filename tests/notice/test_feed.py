from datetime import UTC, datetime

from tokencheck.model.change import Cause, Change
from tokencheck.model.keys import Key
from tokencheck.notice.feed import Feed
from tokencheck.notice.index import ReferenceIndex
from tokencheck.notice.queue import Queue

NOW = datetime(2026, 7, 1, tzinfo=UTC)
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


PROVIDER = Key("TokenProvider", "", "login")


def test_our_own_status_write_is_no_news_to_those_who_depend_on_the_object():
    """Else each write on a provider would judge its thousand checks again."""
    index, queue = ReferenceIndex(), Queue(lambda: 0.5)
    feed = Feed(index, queue, frozenset({"TokenCheck", "TokenProvider"}))
    index.replace(CHECK, frozenset({PROVIDER}))
    feed.notice(Change(key=PROVIDER, cause=Cause.RESYNC, seen_at=0.0))
    assert (queue.next().key, queue.next()) == (PROVIDER, None)
    feed.notice(Change(key=PROVIDER, cause=Cause.PROVIDER_CHANGED, seen_at=0.0))
    assert queue.next().key == CHECK


def asked(feed, seconds, key=CHECK):
    feed.notice(Change(key=key, cause=Cause.REQUESTED, seen_at=seconds))


def passes_at(queue, until):
    """When a pass began, looked at every 50 ms until then."""
    began = []
    for step in range(int(until * 20) + 1):
        queue.release(NOW, step / 20)
        while (work := queue.next()) is not None:
            began.append((work.key.name, step / 20))
            queue.done(work)
    return began


def test_a_check_that_is_asked_for_again_and_again_has_one_pass_a_second():
    _, queue, feed = made()
    began = []
    for step in range(61):
        asked(feed, step / 20)
        queue.release(NOW, step / 20)
        if (work := queue.next()) is not None:
            began.append(step / 20)
            queue.done(work)
    assert began == [0.0, 1.0, 2.0, 3.0]


def test_a_single_request_waits_for_nothing_and_neither_does_one_for_another_check():
    _, queue, feed = made()
    other = Key("TokenCheck", "shop", "cart")
    asked(feed, 0.0)
    asked(feed, 0.0, other)
    assert passes_at(queue, 0.0) == [("checkout", 0.0), ("cart", 0.0)]
    asked(feed, 0.5)
    assert passes_at(queue, 3.0) == [("checkout", 1.0)]


def test_a_change_of_the_spec_does_not_wait_for_a_request():
    _, queue, feed = made()
    asked(feed, 0.0)
    assert passes_at(queue, 0.0)
    asked(feed, 0.1)
    feed.notice(Change(key=CHECK, cause=Cause.SPEC_CHANGED, seen_at=0.2))
    assert queue.next().causes == {Cause.SPEC_CHANGED, Cause.REQUESTED}


def test_a_check_that_is_gone_is_not_counted_any_more():
    _, queue, feed = made()
    asked(feed, 0.0)
    feed.notice(Change(key=CHECK, cause=Cause.SPEC_CHANGED, seen_at=0.1, gone=True))
    asked(feed, 0.2)
    assert [name for name, _ in passes_at(queue, 0.0)] == ["checkout"]
    assert queue.scheduled == 0
