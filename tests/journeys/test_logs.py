"""A responder who looks at logs: a notebook, a kernel, a gateway, and what stands in for Loki."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from notebooks import ABOUT, cell, notebook, prose
from own_loki import OwnLoki, own_loki
from support.desk import Desk, logged_in
from support.processes import Command, Gateway, Logins, gateway_of, settled

pytestmark = [pytest.mark.kernel, pytest.mark.heavy]

_LINES = """\
from interlock import finding, params, query_logs
lines = query_logs("logs", "{app=:app} |= :word", start="15m", app=params.app, word="error")
print(lines)
finding(lines, bad=lines.any("line", "contains", "refused"), ok="no connection was refused")
counts = query_logs("logs", "sum(count_over_time({app=:app}[:wide]))",
                    start="10m", step="1m", app=params.app, wide=params.wide)
print(counts)
"""
_WILD = """\
from interlock import query_logs
query_logs("logs", '{app=~".*"}', start="15m")
"""
_ABOUT = {
    **ABOUT,
    "id": "logs-check",
    "domain": "postgres",
    "actions": [],
    "params": {
        "app": {"type": "string", "default": "api", "help": "Whose lines."},
        "wide": {"type": "duration", "default": "5m", "help": "How wide a window."},
    },
    "targets": [{"target": "logs", "dialect": "loki"}],
}


@pytest.fixture
def loki() -> Iterator[OwnLoki]:
    """Two lines of an error and one that would take over a terminal."""
    now = time.time_ns()
    with own_loki(
        (now - 60_000_000_003, {"app": "api"}, "error: connection refused"),
        (now - 60_000_000_002, {"app": "api"}, "error: \x1b[2J\x1b]0;evil\x07 refused"),
        (now - 60_000_000_001, {"app": "web"}, "error: another app"),
    ) as server:
        yield server


@pytest.fixture
def gateway(tmp_path: Path, loki: OwnLoki) -> Iterator[Gateway]:
    """A gateway with logs behind it and a runbook that asks for them."""
    cells = [prose("about"), cell("lines", _LINES), prose("more"), cell("wild", _WILD)]
    text = notebook(*cells, **_ABOUT)
    targets = {"logs": Logins(loki.url, dialect="loki")}
    home = settled(tmp_path / "home", targets, runbooks={"logs-check": text})
    with gateway_of(home, Command()) as started:
        yield started


@pytest.fixture
def responder(tmp_path: Path, gateway: Gateway) -> Desk:
    """A responder with an incident."""
    desk = logged_in(tmp_path / "desks", gateway, "responder")
    desk.done("incident", "open", "Errors rise", "--severity", "sev2")
    return desk


def test_logs_are_asked_shown_and_kept(responder: Desk, loki: OwnLoki) -> None:
    said = responder.does("run", "logs-check", "-i", "INC-1")
    assert "one matcher that empty text does not fit" in " ".join(said.out.split())
    assert "\x1b]0;" not in said.out
    assert len(loki.heads) == 2

    events = json.dumps(json.loads(responder.done("export", "INC-1", "--as", "json")))
    assert "query_range" not in events
    assert "error: connection refused" in events
    assert "newest first" in events
    assert "another app" not in events
    assert "not-understood" in events

    page = responder.done("export", "INC-1", "--as", "md")
    assert "{app=:app} |= :word" in page
    assert "\x1b" not in page
