"""SQLite's own parser as second opinion."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from interlock_gateway.adapters.targets.sqlite_parser import doubt
from interlock_gateway.core.model import Dialect
from interlock_gateway.core.statement import translate


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        connection.executescript(
            "CREATE TABLE jobs (id INTEGER PRIMARY KEY, state TEXT);"
            "INSERT INTO jobs VALUES (1, 'stuck'), (2, 'done');"
            "CREATE VIEW stuck AS SELECT id FROM jobs WHERE state = 'stuck';"
            "CREATE VIEW evil AS SELECT load_extension('x');"
        )
        yield connection


def said(connection: sqlite3.Connection, source: str) -> str:
    reason = doubt(connection, translate(Dialect.SQLITE, source))
    return "" if reason is None else reason.detail


@pytest.mark.parametrize(
    "source",
    [
        "SELECT * FROM jobs WHERE id = :id",
        "SELECT count(*) FROM stuck",
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION SELECT x + 1 FROM n WHERE x < 5) SELECT x FROM n",
        "SELECT value FROM json_each('[1]')",
        "SELECT id FROM jobs ORDER BY state LIMIT 1",
        "PRAGMA table_info(jobs)",
        "EXPLAIN QUERY PLAN SELECT * FROM jobs",
    ],
)
def test_reads_are_prepared_without_doubt(tables: sqlite3.Connection, source: str) -> None:
    assert said(tables, source) == ""


@pytest.mark.parametrize(
    "source",
    [
        "DELETE FROM jobs",
        "UPDATE jobs SET state = 'done'",
        "SELECT 1; DELETE FROM jobs",
        "SELECT load_extension('x')",
        "SELECT * FROM evil",
        "SELECT nobody_made_this(1)",
        "PRAGMA user_version(7)",
        "ATTACH 'other.db' AS other",
        "CREATE TABLE t (a)",
        "SELECT * FROM nowhere",
        "SELECT a FROM",
        "VACUUM",
    ],
)
def test_everything_else_is_doubted(tables: sqlite3.Connection, source: str) -> None:
    assert said(tables, source) != ""


def test_nothing_runs_while_it_is_asked(tables: sqlite3.Connection) -> None:
    for source in ("DELETE FROM jobs", "INSERT INTO jobs VALUES (3, 'new')", "DROP TABLE jobs"):
        said(tables, source)

    tables.set_authorizer(None)
    assert tables.execute("SELECT count(*) FROM jobs").fetchone() == (2,)


def test_a_program_that_opens_for_writing_is_doubted_even_where_the_authorizer_allows_it(
    tables: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "interlock_gateway.adapters.targets.sqlite_lock.reading", lambda *_: sqlite3.SQLITE_OK
    )

    assert "no read" in said(tables, "DELETE FROM jobs")
