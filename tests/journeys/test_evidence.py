"""A password was printed: whoever leads the incident finds it, holds the rest, destroys it."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
from support.desk import Desk, logged_in
from support.house import Someone
from support.journal import journal
from support.processes import Gateway

pytestmark = pytest.mark.postgres

SECRET = "hunter2-5ecret"


@pytest.fixture
async def told(responder: Someone) -> str:
    """An incident in whose one step a cell printed far too much, a password among it."""
    incident = await responder.declares("Numbers stand still")
    run = await responder.runs(incident)
    await run.starts("look", "print(everything)")
    printed = {"kind": "stream", "name": "stdout", "text": f"{'x' * 9_000} {SECRET}\n"}
    await run.post(f"/v1/runs/{run.id}/steps/look/1/end", {"state": "ok", "outputs": [printed]})
    return incident


async def test_it_is_found_opened_held_and_destroyed_from_the_terminal(
    told: str, counting_gateway: Gateway, tmp_path: Path
) -> None:
    desk = await asyncio.to_thread(logged_in, tmp_path, counting_gateway, "responder")
    await asyncio.to_thread(_destroys, desk, told)
    store = Path(str(counting_gateway.home.store))
    files = [store, store.with_name(store.name + "-wal")]
    left = [file.name for file in files if SECRET.encode() in file.read_bytes()]
    assert left == []
    copy = tmp_path / "backup.db"
    with sqlite3.connect(store) as source, sqlite3.connect(copy) as goal:
        source.backup(goal)
    assert SECRET.encode() not in copy.read_bytes()
    kinds = [line.body["type"] for line in journal(str(store)) if line.incident == told]
    assert [kind for kind in kinds if kind.startswith("artifact.")] == [
        *("artifact.accessed", "artifact.held", "artifact.redacted"),
    ]
    assert SECRET not in counting_gateway.said()


def _destroys(desk: Desk, incident: str) -> None:
    """Look what there is, open it, hold the rest, and destroy it."""
    listed = json.loads(desk.done("evidence", "list", incident, "--json"))
    (name,) = [one["id"] for one in listed if one["part"] == "outputs"]
    desk.done("evidence", "show", name, "--out", "outputs.json")
    assert SECRET in (desk.home.parent / "outputs.json").read_text()
    desk.done("evidence", "hold", incident, "--reason", "the auditors ask for it")
    words = ("--confirm", name, "--reason", "a password was printed")
    said = desk.does("evidence", "redact", name, *words)
    assert said.code == 0, said.err
    assert "may still be" not in said.err
    again = desk.does("evidence", "show", name)
    assert (again.code, again.out) == (5, "")
    assert "a password was printed" in again.err
    document = desk.done("export", incident, "--as", "md")
    assert SECRET not in document
    assert "redacted: a password was printed (by responder, " in document
