"""A run's lines: what a responder reads while it goes."""

import asyncio
import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from interlock.cli import live
from interlock.cli.live import Live
from interlock.cli.world import World
from interlock.conclusion import Finding
from interlock.errors import CODES, Denied
from interlock.runner import progress
from interlock.runner.progress import StepEnded, StepError

SOONER = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 23, 12, 15, tzinfo=UTC)


def told(*values: progress.Progress, width: int = 80) -> list[str]:
    out = io.StringIO()
    tell = Live(World(environ={}, cwd=Path(), out=out, err=out, width=width))
    for value in values:
        tell(value)
    return out.getvalue().splitlines()


def ended(state: str = "ok", **more: Any) -> StepEnded:
    given: dict[str, Any] = {"finding": Finding(state, "nobody is blocked")} | more
    return StepEnded("blockers", "Who blocks", 1, state, 6.2, **given)


def test_a_step_is_its_mark_name_time_and_finding() -> None:
    assert told(ended()) == [" ✔ blockers            6 ms  nobody is blocked"]


@pytest.mark.parametrize(
    ("state", "mark"), [("ok", "✔"), ("warn", "⚠"), ("bad", "✖"), ("unknown", "?"), ("info", "·")]
)
def test_every_status_has_its_own_mark(state: str, mark: str) -> None:
    assert told(ended(state))[0].startswith(f" {mark} ")


def test_a_long_finding_is_wrapped_below_itself() -> None:
    lines = told(ended("bad", finding=Finding("bad", "word " * 40)))
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith(" " * 29 + "word")


def test_a_finding_cannot_steer_the_terminal() -> None:
    (line,) = told(ended(finding=Finding("ok", "a\x1b[2J\nb\u202e")))
    assert "\x1b" not in line
    assert "\u202e" not in line


def test_a_failure_is_its_message_and_code_and_what_to_do_next() -> None:
    error = StepError("Denied", "Not a read.\nmore", code="not-read-only")
    line, *more = told(ended("failed", finding=None, error=error))
    assert line.endswith("Not a read. (not-read-only)")
    assert " ".join(map(str.strip, more)) == f"next: {CODES['not-read-only'].help}"


def test_a_refused_statement_is_shown_with_its_caret_and_its_own_advice() -> None:
    shown = "  2 |   pg_sleep(1)" + " " * 46 + "END…\n    |   ^~~~~~~~"
    denied = Denied("Not a read.", code="not-read-only", excerpt=shown, help="Wait by `poll`.")
    error = StepError("Denied", str(denied), code="not-read-only")
    line, *more = told(ended("failed", finding=None, error=error))
    assert line.endswith("Not a read. (not-read-only)")
    assert more[:2] == ["   " + each for each in shown.split("\n")]
    assert more[2].strip() == "next: Wait by `poll`."
    assert max(map(len, more)) <= 80


def test_a_step_without_a_finding_is_its_title() -> None:
    assert told(ended(finding=None))[0].endswith("Who blocks")


def test_what_was_not_recorded_is_said() -> None:
    assert "not all recorded: 5 MB" in told(ended(truncated="5 MB"))[1]


def test_waiting_says_for_whom_until_when_and_how() -> None:
    url = "http://g/approvals/A-1"
    waits = progress.Waiting("terminate", "A-1", ("colleague",), "one dba", LATER, url)
    lines = told(waits)
    assert "A-1 waits for colleague, until" in lines[0]
    assert lines[1].strip() == url
    assert lines[2].strip() == "interlock approvals show A-1"
    since, until = (f"{at.astimezone():%H:%M:%S}" for at in (SOONER, LATER))
    first, *_ = told(replace(waits, since=SOONER))
    assert first.endswith(f"A-1 waits for colleague, {since} to {until}")
    assert len(first) <= 80


def test_an_outage_and_its_end_are_said() -> None:
    lines = told(
        progress.GatewayUnreachable(LATER, "x"),
        progress.GatewayBack(12.0),
        progress.Settled("terminate", "A-1", "approved", 41.3, ("colleague",)),
        progress.StepSkipped("cancel", "Cancel", "no finding suggests it"),
        progress.RunEnded("R-1", "kernel_died", "1 ok"),
        progress.RunStarted("R-1", "confined", 5.0),
    )
    assert "no gateway since" in lines[0]
    assert "back after 12 s" in lines[1]
    assert "A-1 approved after 41.3 s by colleague" in lines[2]
    assert "left out: no finding suggests it" in lines[3]
    assert lines[4:] == ["R-1 kernel died: 1 ok"]


def test_a_machine_that_cannot_confine_is_said() -> None:
    (line,) = told(progress.RunStarted("R-1", "unconfined", 5.0))
    assert "cannot confine" in line
    assert len(line) <= 80


async def test_a_slow_step_is_said_to_run_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SLOW_S", 0.01)
    out = io.StringIO()
    tell = Live(World(environ={}, cwd=Path(), out=out, err=out))
    tell(progress.StepStarted("blockers", "Who blocks", "query", 1))
    await asyncio.sleep(0.05)
    assert "blockers still runs" in out.getvalue()


async def test_a_quick_step_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SLOW_S", 0.01)
    out = io.StringIO()
    tell = Live(World(environ={}, cwd=Path(), out=out, err=out))
    tell(progress.StepStarted("blockers", "Who blocks", "query", 1))
    tell(ended())
    await asyncio.sleep(0.05)
    assert "still" not in out.getvalue()


def test_times_read_well() -> None:
    assert (live.took(8.4), live.took(2400)) == ("8 ms", "2.4 s")
