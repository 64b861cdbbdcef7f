"""Doctor at files: SQLite and DuckDB, whose lock does not depend on a login."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import duckdb
import pytest
from interlock_gateway.adapters.doctor import Check, Outcome, duck, examine, sqlite
from interlock_gateway.adapters.doctor.check import Notes
from interlock_gateway.adapters.secrets import References
from interlock_gateway.core.model import Dialect, Reads, Target
from interlock_gateway.service.targets import TargetError


async def checks(folder: Path, dialect: Dialect, read: str, act: str = "") -> dict[str, Check]:
    target = Target("jobs", dialect, "production", read, act)
    return {check.check: check async for check in examine(target, References(folder))}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def failed(found: dict[str, Check]) -> list[str]:
    return [name for name, check in found.items() if check.outcome is Outcome.FAILS]


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """A SQLite file with one row in a table."""
    file = tmp_path / "jobs.db"
    connection = sqlite3.connect(file)
    connection.executescript(
        'CREATE TABLE "my jobs" (id INTEGER); INSERT INTO "my jobs" VALUES (1)'
    )
    connection.close()
    return file


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """A DuckDB file with one row in a table."""
    file = tmp_path / "sales.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute('CREATE TABLE "my sales" AS SELECT 1 AS id')
    return file


async def test_every_lock_of_sqlite_holds(jobs: Path) -> None:
    found = await checks(jobs.parent, Dialect.SQLITE, "path:jobs.db", "path:./jobs.db")
    assert failed(found) == []
    assert found["changing no rows"].tried == 'UPDATE "my jobs" SET "id" = "id" WHERE 0'
    assert "not authorized" in found["another file"].said
    assert found["writable by deeds"].outcome is Outcome.HOLDS


async def test_views_of_a_sqlite_file_that_no_read_may_use_are_named(jobs: Path) -> None:
    with closing(sqlite3.connect(jobs)) as connection:
        connection.executescript(
            'CREATE VIEW plain AS SELECT id FROM "my jobs";'
            "CREATE VIEW \"a 'trap\" AS SELECT load_extension('x')"
        )
    reads = Reads(tables=("main.my jobs",))
    target = Target("jobs", Dialect.SQLITE, "production", "path:jobs.db", reads=reads)
    found = {check.check: check async for check in examine(target, References(jobs.parent))}
    assert failed(found) == []
    assert "views among them: 2" in found["catalogue snapshot"].said
    assert "1 of 2 looked into: main.a 'trap" in found["views that are refused"].said


async def test_every_lock_of_duckdb_holds(sales: Path) -> None:
    found = await checks(sales.parent, Dialect.DUCKDB, "path:sales.duckdb")
    assert failed(found) == []
    assert found["changing no rows"].tried.startswith('UPDATE "main"."my sales"')
    assert "disabled by configuration" in found["reading a file"].said
    assert found["action login"].outcome is Outcome.NOTED
    assert found["the time limit"].outcome is Outcome.HOLDS
    assert "memory" in found["the memory limit"].said


async def test_an_examined_file_stays_as_it_is_byte_by_byte(jobs: Path, sales: Path) -> None:
    before = content(jobs.parent)
    await checks(jobs.parent, Dialect.SQLITE, "path:jobs.db", "path:./jobs.db")
    await checks(sales.parent, Dialect.DUCKDB, "path:sales.duckdb", "path:./sales.duckdb")
    assert content(sales.parent) == before


def test_probes_change_nothing_in_a_sqlite_file_without_any_lock(jobs: Path) -> None:
    before = jobs.read_bytes()
    connection = sqlite3.connect(jobs, isolation_level=None)
    connection.execute('UPDATE "my jobs" SET "id" = "id" WHERE 0')
    passed = []
    for probe in sqlite.PROBES:
        with suppress(sqlite3.Error, sqlite3.Warning):
            connection.execute(probe.text)
            passed.append(probe.check)
    connection.close()
    assert jobs.read_bytes() == before
    assert passed == ["a new table", "writing after all", "another file"]


def test_probes_change_nothing_in_a_duckdb_file_without_any_lock(sales: Path) -> None:
    rows = 'SELECT (SELECT count(*) FROM duckdb_tables()), (SELECT list(id) FROM "my sales")'
    passed = []
    with duckdb.connect(str(sales)) as connection:
        before = connection.execute(rows).fetchall()
        for probe in duck.PROBES:
            with suppress(duckdb.Error, TargetError):
                duck.attempt(connection, probe)
                passed.append(probe.check)
        assert connection.execute(rows).fetchall() == before
    assert passed == ["a new table", "reading a file", "writing a file", "unlocking"]


async def test_a_file_that_is_not_there_fails_and_is_not_made(tmp_path: Path) -> None:
    for dialect in (Dialect.SQLITE, Dialect.DUCKDB):
        found = await checks(tmp_path, dialect, "path:gone.db")
        assert failed(found) == ["read login reachable"]
    assert content(tmp_path) == {}


async def test_a_missing_secret_is_named_and_the_other_login_is_examined_all_the_same(
    jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INTERLOCK_NOWHERE", raising=False)
    found = await checks(jobs.parent, Dialect.SQLITE, "env:INTERLOCK_NOWHERE", "path:jobs.db")
    assert failed(found) == ["read login"]
    assert "INTERLOCK_NOWHERE is not set" in found["read login"].said
    assert found["writable by deeds"].outcome is Outcome.HOLDS


async def test_a_credential_in_the_open_is_not_repeated(tmp_path: Path) -> None:
    found = await checks(tmp_path, Dialect.POSTGRES, "postgresql://me:topsecret@db/orders")
    assert failed(found) == ["read login"]
    assert "topsecret" not in repr(found)


async def test_a_file_that_may_not_be_written_is_no_target_for_deeds(tmp_path: Path) -> None:
    check = sqlite.writable(str(tmp_path / "gone"), Notes("jobs"))
    assert (check.outcome, "leave `act` out" in check.next) == (Outcome.FAILS, True)
