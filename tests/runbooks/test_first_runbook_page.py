"""docs/first-runbook.md works as it stands, and its messages are what is really said."""

import json
import re
import runpy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from interlock.catalogue import Catalogue
from interlock.errors import UsageError
from interlock.manifest import compute
from interlock.runbook import Runbook, canonical_text
from interlock.testing.postgres import Database
from rehearsal import ROOT, Rehearsal

PAGE = (ROOT / "docs" / "first-runbook.md").read_text()
(SCRIPT,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SHELL = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SAID = re.findall(r"^\| `(.+?)` \|", PAGE, re.MULTILINE)

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which somebody followed the page."""
    script = tmp_path / "make_my_runbook.py"
    script.write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script))
    return tmp_path


def made(home: Path) -> Runbook:
    return Catalogue(home / "runbooks").get("my-runbook").runbook


def test_the_page_makes_a_runbook_that_can_run(home: Path) -> None:
    book = made(home)
    assert [(step.id, step.kind) for step in book.steps] == [
        ("idle", "query"),
        ("end", "action"),
        ("gone", "verify"),
    ]
    listed = compute(book)
    assert len(listed.steps["idle"].statements) == len(listed.steps["gone"].statements) == 1
    assert len(listed.steps["end"].actions) == 1


def test_its_notebook_is_canonical(home: Path) -> None:
    text = made(home).text
    assert canonical_text(text) == text


def test_the_commands_on_the_page_bind_its_parameters(home: Path) -> None:
    (words,) = [
        line.split() for block in SHELL for line in block.splitlines() if "interlock run " in line
    ]
    assert words[:5] == ["interlock", "run", "my-runbook", "-i", "INC-1"]
    bound = made(home).bind(dict(word.split("=") for word in words[5:]))
    assert {name: value.value for name, value in bound.items()} == {"db": "orders", "idle_s": 30}


@pytest.mark.postgres
def test_it_ends_a_forgotten_transaction(home: Path, postgres_database: Database) -> None:
    forgotten = psycopg.connect(postgres_database.app, application_name="forgetful")
    forgotten.execute("SELECT 1")
    time.sleep(1.1)  # the wait must be older than one second
    with Rehearsal(
        "my-runbook",
        postgres_database.read,
        act=postgres_database.act,
        folder=home / "runbooks",
        idle_s=1,
    ) as run:
        run.run()
    assert f"pid {forgotten.info.backend_pid} (forgetful) is idle" in run.text("idle")
    assert [args["pid"] for _, args in run.acted] == [forgotten.info.backend_pid]
    assert run.status("gone") == "ok"
    forgotten.close()


# --- the messages -----------------------------------------------------------------------------


def cell(data: dict[str, Any], name: str) -> dict[str, Any]:
    return next(cell for cell in data["cells"] if cell["id"] == name)


def source(name: str, text: str) -> Change:
    return lambda data: cell(data, name).update(source=text)


def rewritten(name: str, old: str, new: str) -> Change:
    def change(data: dict[str, Any]) -> None:
        text = "".join(cell(data, name)["source"])
        assert old in text
        cell(data, name)["source"] = text.replace(old, new)

    return change


ACT = 'act("pg.terminate_backend", target=params.db)'

MISTAKES: dict[str, Change] = {
    "'sevrity'": lambda data: data["metadata"]["runbook"].update(sevrity="sev3"),
    "metadata.step is missing": lambda data: cell(data, "idle").update(metadata={}),
    "It holds outputs": lambda data: cell(data, "idle").update(execution_count=1),
    "one literal text": source("idle", "\n\n\nquery(params.db, sql)"),
    "billing": rewritten("idle", "params.db,\n", '"billing",\n'),
    "pg.terminate ": rewritten("end", "pg.terminate_backend", "pg.terminate"),
    "not 2": rewritten("end", "act(", f"{ACT}\n    act("),
    "proves it worked": lambda data: cell(data, "end")["metadata"]["step"].pop("verify"),
    "kind action may call": source("idle", "\n" * 7 + ACT),
}


def what_is_said(home: Path, change: Change) -> str:
    path = home / "runbooks" / "postgres" / "my-runbook.ipynb"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    (entry,) = Catalogue(home / "runbooks").list()
    assert entry.broken
    return entry.error


@pytest.mark.parametrize("part", MISTAKES)
def test_a_mistake_is_answered_as_the_page_says(home: Path, part: str) -> None:
    (line,) = [line for line in SAID if part in line]
    said = what_is_said(home, MISTAKES[part])
    assert line in said


def test_every_message_on_the_page_is_tested(home: Path) -> None:
    book = made(home)
    with pytest.raises(UsageError) as unknown:
        book.bind({"idel_s": "5"})
    with pytest.raises(UsageError) as low:
        book.bind({"idle_s": "0"})
    with pytest.raises(UsageError) as missing:
        Catalogue(home / "runbooks").get("my-runbok")
    told = {error.value.message for error in (unknown, low, missing)}
    rest = {line for line in SAID if not any(part in line for part in MISTAKES)}
    assert rest == told
