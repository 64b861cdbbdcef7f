"""What a question about metrics gives back, and how it prints."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from unicodedata import combining

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock import telemetry
from interlock.errors import UsageError
from interlock.frame import Frame, number, span, sparkline
from scripted_gateway import answer

START = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
WINDOW = {"start": "2026-01-02T03:00:00.000Z", "end": "2026-01-02T04:00:00.000Z", "step_s": 60.0}
COLUMNS = "time:timestamptz job:text code:text value:number"


def moment(minute: int) -> str:
    return (START + timedelta(minutes=minute)).isoformat()


def frame(*rows: tuple[Any, ...], **more: Any) -> Frame:
    told = {"columns": COLUMNS, "window": WINDOW, "age_s": 12, **more}
    return Frame(answer(*rows, **told))


def hour() -> Frame:
    """Two series over an hour: one rises, the other one begins late and is NaN at its end."""
    rising = [(moment(n), "api", "200", float(n)) for n in range(61)]
    late = [(moment(n), "api", "500", math.sin(n) if n < 60 else "nan") for n in range(30, 61)]
    return frame(*rising, *late)


def test_samples_are_rows_with_times_and_labels() -> None:
    row = hour()[0]
    assert (row.time, row.job, row.code, row.value) == (START, "api", "200", 0.0)
    assert hour().any("value", ">", 59)
    assert hour().labels == ("job", "code")


def test_series_are_the_same_by_labels() -> None:
    rising, late = hour().series
    assert rising.labels == {"job": "api", "code": "200"}
    assert (len(rising.values), rising.last, rising.least, rising.most) == (61, 60, 0, 60)
    assert math.isnan(late.last)
    assert late.most < 1


def test_the_latest_is_one_row_for_each_series_with_the_same_evidence() -> None:
    latest = hour().latest()
    assert [row.time for row in latest] == [START + timedelta(hours=1)] * 2
    assert latest.evidence == hour().evidence == "evt_1"
    assert not latest.any("value", "<", 60)
    assert latest.age >= timedelta(seconds=12)


def test_what_ended_before_is_not_how_things_stand() -> None:
    gone = frame(
        *[(moment(n), "gone", "200", 99.0) for n in range(59)],
        *[(moment(n), "here", "200", 1.0) for n in range(61)],
    )
    assert [row.job for row in gone.latest()] == ["here"]
    assert not gone.latest().any("value", ">", 50)
    assert len(frame((moment(0), "gone", "200", 1.0)).latest()) == 0


def test_the_last_moment_may_lie_before_the_end() -> None:
    """From 03:00 on in steps of 7 minutes, the last one is 03:56."""
    uneven = {**WINDOW, "step_s": 420.0}
    rows = [(moment(n), "api", "200", float(n)) for n in range(0, 61, 7)]
    assert [row.value for row in frame(*rows, window=uneven).latest()] == [56.0]
    assert len(frame(*rows[:-1], window=uneven).latest()) == 0


def test_a_cut_answer_stays_cut() -> None:
    cut = frame((moment(0), "api", "200", 1.0), truncated="series (1 of 9)")
    assert cut.latest().truncated == "series (1 of 9)"
    assert "cut at series (1 of 9)" in repr(cut)


def test_a_range_prints_a_line_for_each_series_within_80_columns() -> None:
    assert repr(hour()).splitlines() == [
        '2026-01-02 03:00 to 04:00 UTC, every 60 s  job="api"',
        "code  over time                 last    least    most",
        "────  ────────────────────────  ────  ───────  ──────",
        "200   ▁▁▁▂▂▂▃▃▃▄▄▄▅▅▅▆▆▆▇▇▇███    60        0      60",
        repr(hour()).splitlines()[4],
        "2 series, 92 rows · 6 ms · 12s ago · evidence R-1/blockers/1/0",
    ]
    late = repr(hour()).splitlines()[4]
    assert late.startswith("500               ")
    assert "nan" in late


def test_one_moment_prints_values() -> None:
    at = {"start": WINDOW["end"], "end": WINDOW["end"], "step_s": 0.0}
    rows = [(moment(60), "api", "200", 1.5), (moment(60), "web", "200", 1e6)]
    assert repr(frame(*rows, window=at)).splitlines()[:-1] == [
        '2026-01-02 04:00:00 UTC  code="200"',
        "job    value",
        "───  ───────",
        "api      1.5",
        "web  1000000",
    ]


def test_nothing_prints_as_nothing() -> None:
    assert "0 series, 0 rows" in repr(frame())
    assert frame().series == ()


@given(st.lists(st.tuples(st.text(max_size=90), st.text(max_size=90), st.floats()), max_size=60))
def test_whatever_comes_it_prints_within_80_columns(rows: list[tuple[str, str, float]]) -> None:
    made = [
        (moment(n), a, b, v if math.isfinite(v) else repr(v)) for n, (a, b, v) in enumerate(rows)
    ]
    printed = repr(frame(*made))
    assert all(sum(not combining(c) for c in line) <= 80 for line in printed.splitlines())
    assert all(char.isprintable() for line in printed.splitlines() for char in line)


def test_labels_are_no_markup() -> None:
    evil = "<img src=x onerror=alert(1)>\x1b[2J"
    shown = frame((moment(0), evil, "1", 1.0), (moment(0), "b", "2", 2.0))
    common = frame((moment(0), evil, "1", 1.0))
    for page in (shown._repr_html_(), common._repr_html_()):
        assert "<img" not in page
        assert "\x1b" not in page


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], "▁▂▃▄▅▆▇█"),
        ([3, 3, 3], "▁▁▁"),
        ([], ""),
        ([math.nan, math.inf], "  "),
        ([-1e308, 1e308], "▁█"),
        ([0, 5e-324], "▁█"),
    ],
)
def test_a_line_is_as_high_as_its_values(values: list[float], shown: str) -> None:
    assert sparkline(values) == shown


@given(st.lists(st.floats(), max_size=40))
def test_a_line_has_a_block_for_each_value(values: list[float]) -> None:
    assert len(sparkline(values)) == len(values)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((0.0, "0"), (1.0, "1"), (-2.0, "-2"), (1.5, "1.5"), (0.123456, "0.1235")),
        *((1e6, "1000000"), (1e300, "1e+300"), (math.nan, "nan"), (-math.inf, "-inf")),
    ],
)
def test_a_number_is_short(value: float, shown: str) -> None:
    assert number(value) == shown


def test_a_span_is_a_duration_or_a_moment() -> None:
    assert span("1h30m") == timedelta(minutes=90)
    assert span("500ms") == timedelta(milliseconds=500)
    assert span(timedelta(hours=1)) == timedelta(hours=1)
    assert span(START) == START
    assert span(None) is None


@pytest.mark.parametrize("value", ["", "1", "h", "1y", "-1h", "1h ", "1.5h", "now", "1 h"])
def test_what_is_no_duration_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="no duration"):
        span(value)


def test_a_moment_needs_its_zone() -> None:
    with pytest.raises(UsageError, match="zone"):
        span(datetime(2026, 1, 2))  # noqa: DTZ001  that is the point


def test_what_is_sent_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []

    class Heard:
        def ask(self, op: str, **members: Any) -> dict[str, Any]:
            sent.append({"op": op, **members})
            return answer(columns=COLUMNS, window=WINDOW)

    monkeypatch.setattr(telemetry, "current", Heard)
    telemetry.query_metrics("metrics", "a > :n", start="1h", step="1m", n=5)
    assert sent == [
        {
            "op": "query_metrics",
            "target": "metrics",
            "promql": "a > :n",
            "params": {"n": {"type": "integer", "value": 5}},
            "span": {
                "start": {"type": "interval", "value": "3600000000us"},
                "step": {"type": "interval", "value": "60000000us"},
            },
        }
    ]


def test_samples_go_to_arrow_exactly() -> None:
    table = hour().arrow()
    assert table.num_rows == 92
    assert math.isnan(table.column("value").to_pylist()[-1])
    assert table.column("time").to_pylist()[0] == START
