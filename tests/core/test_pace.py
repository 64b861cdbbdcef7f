"""How often a call may begin: bursts of a minute's worth, then its share of the minute."""

from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.health import FAILURES, REST_S, WELL
from interlock_gateway.core.pace import Pace


def began(pace: Pace, moments: list[float]) -> list[float]:
    """Return the moments at which a call that was asked for could begin."""
    due, out = 0.0, []
    for now in moments:
        if not pace.wait_s(due, now):
            due = pace.after(due, now)
            out.append(now)
    return out


def test_a_minutes_worth_may_come_at_once_and_no_more() -> None:
    assert len(began(Pace(1, 6), [100.0] * 20)) == 6


def test_after_a_burst_one_call_is_earned_with_each_share_of_the_minute() -> None:
    moments = [100.0] * 6 + [100.0 + second for second in range(1, 31)]
    assert began(Pace(1, 6), moments)[6:] == [110.0, 120.0, 130.0]


def test_what_was_not_used_for_a_minute_is_a_burst_again() -> None:
    assert len(began(Pace(1, 6), [100.0] * 6 + [160.0] * 20)) == 12


def test_the_wait_that_is_told_is_the_wait_that_helps() -> None:
    pace = Pace(1, 60)
    due = 0.0
    for _ in range(60):
        due = pace.after(due, 10.0)
    wait = pace.wait_s(due, 10.0)
    assert 0.9 < wait < 1.1
    assert not pace.wait_s(due, 10.0 + wait + 1e-9)


@given(st.integers(1, 50), st.lists(st.floats(0, 600), min_size=1, max_size=300))
def test_within_no_minute_begin_more_than_twice_the_limit(
    per_minute: int, moments: list[float]
) -> None:
    times = began(Pace(1, per_minute), sorted(moments))
    for start in times:
        assert sum(start <= time < start + 60 for time in times) <= 2 * per_minute


def test_a_target_that_was_not_reached_a_few_times_is_still_asked() -> None:
    known = WELL
    for _ in range(FAILURES - 1):
        known = known.failed(10.0, "connection refused")
    assert not known.rests_s(10.0)


def test_one_more_failure_and_it_rests() -> None:
    known = WELL
    for _ in range(FAILURES):
        known = known.failed(10.0, "connection refused")
    assert known.rests_s(10.0) == REST_S
    assert not known.rests_s(10.0 + REST_S)
