"""What the doctor says of TokenChecks from before there were policies."""

from __future__ import annotations

from core.doctor.test_examine import check, said_of, setup
from tokencheck.core.doctor.diagnosis import Area
from tokencheck.model.finding import Result


def test_a_check_that_was_written_unseen_is_told_where_authors_are_stamped() -> None:
    (found,) = said_of(**check(stamped=False), **setup(review_authors=True))
    assert (found.area, found.result) == (Area.ADMISSION, Result.WARN)
    assert found.said.endswith("written before the API server looked at who asks: shop/other")
    (command,) = found.mend
    assert command.startswith("kubectl get tokencheck other -n shop -o yaml | kubectl replace")
