"""An alert that pages everybody is silenced for a while: by a runbook, an approval, a deed.

A notebook, a kernel, a gateway and a real Alertmanager; two people at two machines.
"""

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from notebooks import ABOUT, ACTION, VERIFY, cell, notebook, prose
from own_alertmanager import OwnAlertmanager, own_alertmanager
from support.counting import until
from support.desk import Desk, logged_in
from support.processes import Command, Gateway, Logins, gateway_of, settled

__all__ = ["own_alertmanager"]

pytestmark = [pytest.mark.kernel, pytest.mark.heavy]

TOKEN = "act-token-of-the-journey"
_LOOK = """\
from interlock import finding, query
hosts = query("inventory", "SELECT name FROM hosts WHERE replacing = 1")
finding(hosts, bad=len(hosts) > 0, text="{name} gets a new disk.", next="silence")
"""
_SILENCE = """\
from interlock import act, params
done = act(
    "alertmanager.silence",
    target="alerts",
    reason="the disk is being replaced",
    matchers=[{"name": "alertname", "value": "DiskFull"}, {"name": "host", "value": params.host}],
    minutes=60,
)
print(done)
"""
_AFTER = """\
from interlock import finding, query
hosts = query("inventory", "SELECT name FROM hosts WHERE replacing = 1")
finding(hosts, warn=len(hosts) > 0, text="The alert of {name} is silent.")
"""
_HOSTS = """\
CREATE TABLE hosts (name TEXT, replacing INTEGER);
INSERT INTO hosts VALUES ('db-1', 1), ('db-2', 0);
"""
_STEP = {**ACTION, "title": "Silence it", "effect": "write", "undo": "Expire the silence."}
_ABOUT = {
    **ABOUT,
    "id": "disk-full",
    "domain": "postgres",
    "actions": ["alertmanager.silence"],
    "params": {"host": {"type": "string", "default": "db-1", "help": "Which host."}},
    "targets": [
        {"target": "alerts", "dialect": "alertmanager"},
        {"target": "inventory", "dialect": "sqlite"},
    ],
}


@pytest.fixture
def gateway(tmp_path: Path, own_alertmanager: OwnAlertmanager) -> Iterator[Gateway]:
    """A gateway with an Alertmanager behind it and a runbook that may silence."""
    cells = [prose("about"), cell("look", _LOOK), prose("then"), cell("silence", _SILENCE, _STEP)]
    text = notebook(*cells, prose("end"), cell("after", _AFTER, VERIFY), **_ABOUT)
    inventory = tmp_path / "inventory.db"
    with closing(sqlite3.connect(inventory)) as made:
        made.executescript(_HOSTS)
    targets = {
        "alerts": Logins(own_alertmanager.url, TOKEN, dialect="alertmanager"),
        "inventory": Logins(str(inventory), dialect="sqlite"),
    }
    home = settled(tmp_path / "home", targets, runbooks={"disk-full": text})
    with gateway_of(home, Command()) as started:
        yield started


def test_an_alert_is_silenced_by_two_people_and_the_timeline_tells_it(
    tmp_path: Path, gateway: Gateway, own_alertmanager: OwnAlertmanager
) -> None:
    own_alertmanager.fires(
        {"alertname": "DiskFull", "host": "db-1"}, {"alertname": "DiskFuller", "host": "db-1"}
    )
    responder = logged_in(tmp_path / "desks", gateway, "responder")
    colleague = logged_in(tmp_path / "desks", gateway, "colleague")
    responder.done("incident", "open", "A disk is full", "--severity", "sev2")

    words = ("run", "disk-full", "-i", "INC-1", "--act", "silence", "--confirm", "alerts")
    with ThreadPoolExecutor(1) as threads:
        run = threads.submit(responder.does, *words)
        until(
            lambda: "A-1" in colleague.done("approvals", "list"), "it waits for the other person"
        )
        asked = colleague.done("approvals", "show", "A-1")
        assert f"POST {own_alertmanager.url}/api/v2/silences" in asked
        assert '"value": "db-1"' in asked
        assert "alertname DiskFull" in asked
        assert "DiskFuller" not in asked
        assert not own_alertmanager.silenced("DiskFull")
        colleague.done("approvals", "approve", "A-1", "--confirm", "alerts")
        said = run.result()
    assert said.code in {0, 3}, said.out + said.err
    assert own_alertmanager.silenced("DiskFull")
    assert not own_alertmanager.silenced("DiskFuller")
    _the_timeline_tells_it(responder, own_alertmanager)
    assert TOKEN not in gateway.said()


def _the_timeline_tells_it(desk: Desk, server: OwnAlertmanager) -> None:
    document = json.dumps(json.loads(desk.done("export", "INC-1", "--as", "json")))
    page = desk.done("export", "INC-1", "--as", "md")
    (made,) = [one for one in server.silences() if "INC-1" in one["comment"]]
    assert made["id"] in page
    assert "the disk is being replaced" in made["comment"]
    assert f"```http\nPOST {server.url}/api/v2/silences" in page
    for word in ("alertmanager.silence", "/api/v2/silences", "DiskFull", "colleague"):
        assert word in page, word
    assert "action.succeeded" in document
    assert TOKEN not in page + document
