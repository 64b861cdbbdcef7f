"""What one question to another clock tells: an interval that its difference lies in."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.skew import Skew, heard

_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_seconds = st.floats(0, 100)


@given(st.floats(-100, 100), _seconds, _seconds, st.sampled_from([0, 1]))
def test_the_true_difference_lies_in_the_interval(
    offset: float, there: float, back: float, resolution: int
) -> None:
    began = _NOW
    asked = began + timedelta(seconds=there)
    ended = asked + timedelta(seconds=back)
    theirs = asked + timedelta(seconds=offset)
    if resolution:
        theirs = theirs.replace(microsecond=0)  # as HTTP's Date cuts it
    skew = heard("store", theirs, began, ended, resolution=timedelta(seconds=resolution))
    assert skew.low_s - 1e-5 <= offset <= skew.high_s + 1e-5
    assert abs(skew.uncertainty_s - (there + back + resolution) / 2) < 1e-5


def test_a_clock_is_off_only_where_that_is_certain() -> None:
    assert not Skew("a", -0.2, 1.8).is_off
    assert Skew("a", 0.6, 1.8).is_off
    assert Skew("a", -3.0, -0.6).is_off
    assert not Skew("a", -0.4, 0.4).is_off


def test_two_answers_agree_where_one_difference_explains_both() -> None:
    assert Skew("a", 1.0, 2.0).agrees(Skew("a", 1.9, 3.0))
    assert not Skew("a", 1.0, 2.0).agrees(Skew("a", 2.1, 3.0))
