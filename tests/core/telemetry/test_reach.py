"""From when to when a question is asked, and which limit refuses one that reaches too far."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from interlock_gateway.core.endpoint import base_url
from interlock_gateway.core.model import Dialect, Endpoint, Limits, Reach, Target
from interlock_gateway.core.telemetry import Evaluation, Span, TelemetryError, beyond, resolved
from interlock_gateway.core.telemetry.promql import understood

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
REACH = Reach(range_s=6 * 3600, back_s=7 * 86_400, step_s=10, points=1_000, series=5)
METRICS = Target(
    "metrics",
    Dialect.PROMETHEUS,
    "production",
    "",
    endpoint=Endpoint(base_url("https://metrics.example.com")),
    reach=REACH,
)


def window(**span: Any) -> Evaluation:
    return resolved("up", Span(**span), NOW, REACH)


def test_without_a_start_it_is_one_moment() -> None:
    assert window() == Evaluation("up", NOW, NOW)
    assert window(end=HOUR) == Evaluation("up", NOW - HOUR, NOW - HOUR)
    assert window().steps == 1


def test_a_start_is_a_moment_or_how_long_before_the_end() -> None:
    assert window(start=HOUR).start == NOW - HOUR
    assert window(start=HOUR, end=HOUR).start == NOW - 2 * HOUR
    assert window(start=NOW - 3 * HOUR).end == NOW


@pytest.mark.parametrize(
    ("start", "step_s", "steps"),
    [
        (timedelta(minutes=1), 10, 7),
        (timedelta(minutes=15), 15, 61),
        (HOUR, 60, 61),
        (6 * HOUR, 600, 37),
        (timedelta(days=7), 21_600, 29),
        (timedelta(days=365), 525_600, 61),
    ],
)
def test_the_usual_step_gives_about_sixty_points(
    start: timedelta, step_s: float, steps: int
) -> None:
    asked = window(start=start)
    assert (asked.step_s, asked.steps) == (step_s, steps)


@pytest.mark.parametrize(
    ("span", "said"),
    [
        ({"step": HOUR}, "needs a start"),
        ({"start": timedelta(0)}, "before the end"),
        ({"start": NOW + HOUR}, "before the end"),
        ({"start": -HOUR}, "not negative"),
        ({"start": HOUR, "step": timedelta(0)}, "above 0"),
        ({"start": HOUR, "step": -HOUR}, "above 0"),
        ({"start": timedelta(days=999_999)}, "calendar"),
    ],
)
def test_times_that_make_no_sense_are_refused(span: dict[str, Any], said: str) -> None:
    with pytest.raises(TelemetryError, match=said) as caught:
        window(**span)
    assert caught.value.code == "bad-arguments"
    assert caught.value.help


def refused(promql: str, limits: Limits | None = None, **span: Any) -> TelemetryError | None:
    query = understood(promql, {})
    asked = resolved(query.text, Span(**span), NOW, REACH)
    return beyond(query.demand, asked, METRICS, limits or Limits(rows=500), NOW)


@pytest.mark.parametrize(
    ("promql", "span"),
    [
        ("up", {}),
        ("rate(a[6h])", {}),
        ("rate(a[5m] offset 6d)", {"start": HOUR}),
        ("up", {"start": 6 * HOUR, "step": timedelta(minutes=1)}),
        (
            "max_over_time(a[1h:1m])",
            {"start": timedelta(minutes=15), "step": timedelta(minutes=1)},
        ),
        ("up", {"end": NOW + timedelta(minutes=4)}),
    ],
)
def test_what_is_within_every_limit_is_asked(promql: str, span: dict[str, Any]) -> None:
    assert refused(promql, **span) is None


@pytest.mark.parametrize(
    ("promql", "span", "line"),
    [
        ("up", {"start": 6 * HOUR + timedelta(seconds=1)}, "metrics.limits.range (6h)"),
        ("rate(a[361m])", {}, "metrics.limits.range (6h)"),
        ("max_over_time(rate(a[1h])[5h1s:1m])", {}, "metrics.limits.range (6h)"),
        ("up", {"end": timedelta(days=7)}, "metrics.limits.back (7d)"),
        ("up offset 1w", {}, "metrics.limits.back (7d)"),
        ("rate(a[5m] offset 6d)", {"end": timedelta(days=1)}, "metrics.limits.back (7d)"),
        ("up", {"start": HOUR, "step": timedelta(seconds=9)}, "metrics.limits.step (10s)"),
        ("max_over_time(a[1h:9s])", {}, "metrics.limits.step (10s)"),
        ("max_over_time(a[3h:10s])", {}, "metrics.limits.points (1,000)"),
        (
            "max_over_time(a[1h:1m])",
            {"start": HOUR, "step": timedelta(minutes=1)},
            "metrics.limits.points (1,000)",
        ),
        ("up", {"start": 6 * HOUR, "step": timedelta(seconds=40)}, "metrics.limits.rows (500)"),
    ],
)
def test_each_limit_refuses_and_is_named(promql: str, span: dict[str, Any], line: str) -> None:
    error = refused(promql, **span)
    assert error is not None
    assert (error.code, error.line) == ("outside-limits", line)
    assert error.help


def test_the_future_has_no_samples() -> None:
    error = refused("up", end=NOW + HOUR)
    assert error is not None
    assert "future" in error.message


def test_a_step_that_would_do_is_named() -> None:
    error = refused("up", Limits(rows=61), start=HOUR, step=timedelta(seconds=30))
    assert error is not None
    assert 'step="1m"' in error.help
    assert refused("up", Limits(rows=61), start=HOUR, step=timedelta(minutes=1)) is None
