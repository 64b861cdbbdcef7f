"""What a question about logs gives back, and how it prints."""

from datetime import UTC, datetime, timedelta
from typing import Any
from unicodedata import combining

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock import telemetry
from interlock.errors import UsageError
from interlock.frame import Frame
from interlock.lines import Lines
from scripted_gateway import answer

START = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
WINDOW = {
    "start": "2026-01-02T03:00:00.000Z",
    "end": "2026-01-02T04:00:00.000Z",
    "step_s": 0.0,
    "newest": True,
}
COLUMNS = "time:timestamptz at:text app:text pod:text line:text"


def row(minute: float, text: str, app: str = "api", pod: str | None = "a") -> tuple[Any, ...]:
    at = START + timedelta(minutes=minute)
    return (at.isoformat(), f"{at:%Y-%m-%dT%H:%M:%S}.123456789Z", app, pod, text)


def lines(*rows: tuple[Any, ...], **more: Any) -> Lines:
    return Lines(answer(*rows, columns=COLUMNS, window=WINDOW, gives="lines", **more))


def test_lines_are_rows_with_their_time_and_labels() -> None:
    found = lines(row(59, "error: b"), row(1, "fine", pod=None))
    assert (found[0].time, found[0].app, found[0].line) == (
        START + timedelta(minutes=59),
        "api",
        "error: b",
    )
    assert found[0].at == "2026-01-02T03:59:00.123456789Z"
    assert found.any("line", "contains", "error")
    assert found.labels == ("app", "pod")
    assert (found.start, found.newest) == (START, True)


def test_it_prints_the_time_of_day_and_says_once_what_all_lines_share() -> None:
    printed = repr(lines(row(59, "error: b"), row(1, "fine", pod="b")))
    head, names, _, first, second, summary = printed.splitlines()
    assert head.startswith("2026-01-02 03:00:00 to 04:00:00 UTC, newest first")
    assert 'app="api"' in head
    assert names.split() == ["time", "pod", "line"]
    assert first.split() == ["03:59:00.000", "a", "error:", "b"]
    assert second.split() == ["03:01:00.000", "b", "fine"]
    assert summary.startswith("2 lines")
    assert "evidence R-1/blockers/1/0" in summary


def test_how_the_lines_lie_over_time_is_drawn() -> None:
    found = lines(*(row(59, "x") for _ in range(8)), row(0, "y"))
    assert found.volume()[:2] == "▂▁"
    assert found.volume()[-1] == "█"
    assert len(found.volume()) == 24
    assert found.volume() in repr(found)
    assert lines().volume() == ""


def test_where_lines_were_left_out_the_drawing_has_a_gap() -> None:
    found = lines(row(59, "x"), row(31, "y"), truncated="rows (2), older lines left out")
    assert found.volume() == " " * 12 + "█" + "▁" * 10 + "█"
    oldest = {**WINDOW, "newest": False}
    cells = [row(1, "x"), row(31, "y")]
    told = answer(*cells, columns=COLUMNS, window=oldest, truncated="rows (2), newer left out")
    assert Lines(told).volume() == "█" + "▁" * 11 + "█" + " " * 11


def test_what_was_left_out_stands_below() -> None:
    found = lines(row(1, "x"), truncated="rows (1), older lines left out")
    assert "1 line, cut at rows (1), older lines left out" in repr(found)


def test_nothing_found_says_so() -> None:
    assert "0 lines" in repr(lines())
    assert "0 lines" in lines()._repr_html_()


@given(st.text(), st.text(), st.text())
def test_no_line_steers_a_terminal_or_a_page(text: str, app: str, pod: str) -> None:
    hostile = "\x1b[2J\0\u202e\r</td><script>"
    found = lines(row(1, hostile + text, app + hostile, pod), row(2, text, app, hostile))
    assert all(c.isprintable() or c == "\n" or combining(c) for c in repr(found))
    page = found._repr_html_()
    assert "<script>" not in page
    assert not {"\x1b", "\0", "\u202e"} & set(page)
    assert max(map(len, repr(found).splitlines())) <= 2_000


def test_what_is_sent_is_typed_and_what_comes_back_is_lines_or_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[dict[str, Any]] = []

    class Heard:
        gives = "lines"

        def ask(self, op: str, **members: Any) -> dict[str, Any]:
            sent.append({"op": op, **members})
            columns = COLUMNS if self.gives == "lines" else "time:timestamptz value:number"
            return answer(columns=columns, window=WINDOW, gives=self.gives)

    monkeypatch.setattr(telemetry, "current", Heard)
    asked = telemetry.query_logs("logs", "{app=:app}", start="1h", limit=5, app="api")
    assert isinstance(asked, Lines)
    assert sent == [
        {
            "op": "query_logs",
            "target": "logs",
            "logql": "{app=:app}",
            "params": {"app": {"type": "text", "value": "api"}},
            "span": {"start": {"type": "interval", "value": "3600000000us"}},
            "limit": 5,
        }
    ]
    Heard.gives = "samples"
    assert isinstance(telemetry.query_logs("logs", "vector(1)"), Frame)
    with pytest.raises(UsageError, match="no duration"):
        telemetry.query_logs("logs", "vector(1)", start="yesterday")
