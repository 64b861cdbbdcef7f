"""When something can have happened in an incident, as a person claims."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis.strategies import datetimes, integers, timedeltas
from interlock_gateway.core.ledger import EARLIEST, NOTES, NOTES_OF_RUNS, When, why_not

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
DECLARED = NOW - timedelta(hours=1)
_AHEAD = timedeltas(timedelta(microseconds=1), timedelta(days=9000))


@given(_AHEAD)
def test_nothing_is_noted_about_the_future(ahead: timedelta) -> None:
    assert "still to come" in why_not(When(NOW + ahead), now=NOW, declared=DECLARED)


@given(_AHEAD.filter(lambda ahead: ahead < timedelta(days=700_000)))
def test_nothing_is_noted_about_years_before(before: timedelta) -> None:
    at = DECLARED - EARLIEST - before
    assert "more than a year" in why_not(When(at), now=NOW, declared=DECLARED)


@given(
    datetimes(datetime(2025, 1, 3), datetime(2026, 1, 2, 12)),  # noqa: DTZ001  made aware below
    integers(1, 86_400),
)
def test_everything_between_may_be(at: datetime, accuracy_s: int) -> None:
    when = When(at.replace(tzinfo=UTC), accuracy_s)
    assert why_not(when, now=NOW, declared=DECLARED) == ""
    assert when.accuracy == f"PT{accuracy_s}S"


@pytest.mark.parametrize("accuracy_s", [-1, 0, 86_401])
def test_a_time_is_good_to_between_a_second_and_a_day(accuracy_s: int) -> None:
    assert "86401" in why_not(When(NOW, 86_401), now=NOW, declared=DECLARED)
    assert why_not(When(NOW, accuracy_s), now=NOW, declared=DECLARED) != ""


def test_a_run_can_write_no_kind_that_a_person_alone_can_say() -> None:
    assert {*NOTES} - {*NOTES_OF_RUNS} == {"decision", "answer", "correction"}
