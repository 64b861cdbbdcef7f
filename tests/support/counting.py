"""A target that counts what was really executed, and the curated runbook that makes it count."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from interlock.runbook import canonical_text
from interlock.testing.postgres import Database
from psycopg import sql

from support.house import ROOT, RunAt, Someone
from support.processes import Home, Logins, settled

LOOK = (
    "from interlock import execute, params, query\n"
    'query(params.db, "SELECT n FROM counters WHERE id = :id", id=params.id)'
)
BUMP = (
    'execute(params.db, "UPDATE counters SET n = n + 1 WHERE id = :id", max_rows=1, '
    'reason="it counts", id=params.id)'
)
CHECK = 'query(params.db, "SELECT count(*) AS rows FROM counters")'
SOURCES = {"look": LOOK, "bump": BUMP, "check": CHECK}
_STEPS: dict[str, dict[str, Any]] = {
    "look": {"kind": "query", "title": "Look"},
    "bump": {
        "kind": "action",
        "title": "Count once more",
        "effect": "write",
        "verify": "check",
        "undo": "UPDATE counters SET n = n - 1 for the same id.",
    },
    "check": {"kind": "verify", "title": "Check"},
}
_SELECT = "SELECT n FROM counters WHERE id = :id"
_UPDATE = "UPDATE counters SET n = n + 1 WHERE id = :id"
_MOST = 2_000
_PAUSES = """
CREATE OR REPLACE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_catalog.pg_advisory_xact_lock_shared(4711); RETURN NULL; END $$;
DROP TRIGGER IF EXISTS pauses ON counters;
CREATE CONSTRAINT TRIGGER pauses AFTER UPDATE ON counters
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pause();
"""
"""Lets a COMMIT wait: the trigger runs with it."""


def counting_runbook() -> str:
    """Return the text of the runbook `counting`: look, count once more, check."""
    notebook = json.loads((ROOT / "runbooks/postgres/pg-lock-contention.ipynb").read_text())
    notebook["metadata"]["runbook"] |= {
        "id": "counting",
        "actions": [],
        "params": {
            "db": {"type": "target", "default": "orders", "help": "Where to count."},
            "id": {"type": "integer", "default": 1, "min": 1, "help": "Which counter."},
        },
    }
    notebook["cells"] = [cell for name in _STEPS for cell in _cells(name)]
    return canonical_text(json.dumps(notebook))


def _cells(name: str) -> list[dict[str, Any]]:
    prose = {"cell_type": "markdown", "id": f"about-{name}", "metadata": {}, "source": "Counts."}
    code: dict[str, Any] = {
        "cell_type": "code",
        "id": name,
        "metadata": {"step": _STEPS[name]},
        "outputs": [],
        "execution_count": None,
        "source": SOURCES[name],
    }
    return [prose, code]


class Counters:
    """The counters at the target, seen with the eyes of their owner."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with psycopg.connect(database.app, autocommit=True) as owner:
            owner.execute("CREATE TABLE IF NOT EXISTS counters (id int PRIMARY KEY, n int)")
            owner.execute("TRUNCATE counters")
            owner.execute(
                "INSERT INTO counters SELECT g, 0 FROM generate_series(1, %s) g", [_MOST]
            )
            owner.execute(_PAUSES)
            act = psycopg.conninfo.conninfo_to_dict(database.act)["user"]
            grant = sql.SQL("GRANT SELECT, UPDATE ON counters TO {}")
            owner.execute(grant.format(sql.Identifier(str(act))))

    @property
    def logins(self) -> Logins:
        """How the gateway reaches them."""
        return Logins(self._database.read, self._database.act)

    def home(self, folder: Path, **more: str) -> Home:
        """Make a gateway's home with the counters as target `orders`."""
        books = {"counting": counting_runbook()}
        return settled(folder, {"orders": self.logins}, runbooks=books, **more)

    def n(self, counter: int) -> int:
        """Return how often a counter was really counted up."""
        with psycopg.connect(self._database.app) as owner:
            row = owner.execute("SELECT n FROM counters WHERE id = %s", [counter]).fetchone()
        assert row is not None
        return int(row[0])

    def hold(self, counter: int) -> "psycopg.Connection[Any]":
        """Return a session that holds a counter's row until it rolls back."""
        holder = psycopg.connect(self._database.app)
        holder.execute("SELECT n FROM counters WHERE id = %s FOR UPDATE", [counter])
        return holder

    def hold_commits(self) -> "psycopg.Connection[Any]":
        """Return a session that lets nobody commit a count until it rolls back."""
        holder = psycopg.connect(self._database.app)
        holder.execute("SELECT pg_advisory_xact_lock(4711)")
        return holder

    def end_action_sessions(self) -> None:
        """End what the action login has under way, as an administrator can."""
        act = psycopg.conninfo.conninfo_to_dict(self._database.act)["user"]
        with psycopg.connect(self._database.superuser, autocommit=True) as admin:
            asked = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
            admin.execute(asked, [act])

    def hold_all(self) -> "psycopg.Connection[Any]":
        """Return a session that lets nobody read the table until it rolls back."""
        holder = psycopg.connect(self._database.app)
        holder.execute("LOCK TABLE counters IN ACCESS EXCLUSIVE MODE")
        return holder

    def wait_for_waiters(self, count: int = 1) -> None:
        """Return when so many sessions wait for a lock."""
        asked = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        with psycopg.connect(self._database.superuser, autocommit=True) as watch:
            until(lambda: watch.execute(asked).fetchone() == (count,), f"{count} wait for a lock")


def until(true: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"Not within {seconds:g} s: {what}."
        time.sleep(0.01)


def question(run: RunAt, counter: int, ordinal: int = 0) -> dict[str, Any]:
    """Return the body of the query that the step `look` asks."""
    typed = {"id": {"type": "integer", "value": counter}}
    place = run.place("look", ordinal)
    return {**place, "target": "orders", "sql": _SELECT, "params": typed}


def wish(run: RunAt, counter: int, attempt: int = 1) -> dict[str, Any]:
    """Return the body of the request that the step `bump` makes."""
    typed = {"id": {"type": "integer", "value": counter}}
    place = run.place("bump", attempt=attempt)
    asked = {"target": "orders", "sql": _UPDATE, "params": typed, "max_rows": 1}
    return {**place, **asked, "reason": "it counts"}


async def asks(run: RunAt, counter: int) -> str:
    """Start the step `bump`, ask to count once more and return the approval's id."""
    attempt = await run.starts("bump", BUMP)
    answer = await run.post("/v1/executions", wish(run, counter, attempt))
    return str(answer["approval"]["id"])


async def approves(person: Someone, approval: str) -> None:
    """Let somebody approve."""
    answer = await person.vote(approval)
    assert answer.json()["state"] == "approved", answer.text
