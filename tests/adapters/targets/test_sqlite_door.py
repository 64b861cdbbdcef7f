"""A file stays open between reads: the next one finds nothing of the last, and today's file."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from interlock_gateway.adapters.targets.file_child import Task
from interlock_gateway.adapters.targets.sqlite_door import Door
from interlock_gateway.adapters.targets.sqlite_watch import Watch
from interlock_gateway.adapters.targets.sqlite_work import SqliteWork
from interlock_gateway.core.model import Dialect, Limits, Reads, Statement
from interlock_gateway.service.targets import TargetError

LIMITS = Limits(seconds=5)
ACTING = ("checkpoint", "optimize", "vacuum", "shrink", "check")  # pragmas that do something
WORLD = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT);
CREATE TABLE secret (id INTEGER PRIMARY KEY, password TEXT);
INSERT INTO orders VALUES (1, 'open');
INSERT INTO secret VALUES (1, 'hunter2');
CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
CREATE VIRTUAL TABLE words USING fts5(x);
CREATE VIEW pragma_database_list AS SELECT 1;
"""


class File:
    """A file, and one child's way to read it."""

    def __init__(self, path: Path, world: str = WORLD) -> None:
        self.path = path
        self.work = SqliteWork()
        self.write(world)

    def write(self, script: str) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as owner:
            owner.executescript(script)
        time.sleep(0.06)  # a file that was written just now is not kept open

    def task(self, sql: str, *listed: str) -> Task:
        statement = Statement(Dialect.SQLITE, sql, (), sql)
        reads = Reads(tables=tuple(f"main.{name}" for name in listed))
        return Task(str(self.path), "orders", statement, {}, LIMITS, reads)

    def ask(self, sql: str, *listed: str) -> tuple[tuple[Any, ...], ...]:
        return self.work.read(self.task(sql, *listed)).rows

    def is_open(self) -> bool:
        return any(
            link.name.isdecimal() and os.path.realpath(link) == str(self.path)
            for link in Path("/proc/self/fd").iterdir()
        )


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    found = File(tmp_path / "orders.sqlite")
    yield found
    found.work.rest()


# --- nothing of one read is there for the next --------------------------------------------------


def hostile() -> list[str]:
    text = (Path(__file__).parent / "hostile_sqlite.sql").read_text()
    return [part.strip() for part in re.split(r"^-- .*\n", text, flags=re.MULTILINE) if part]


def settings(connection: sqlite3.Connection) -> dict[str, list[Any]]:
    """Return everything that a connection can be asked about itself."""
    connection.set_authorizer(None)
    names = [name for (name,) in connection.execute("SELECT name FROM pragma_pragma_list")]
    told = {
        name: connection.execute(f"PRAGMA {name}").fetchall()
        for name in names
        if name != "data_version" and not any(word in name for word in ACTING)
    }
    told["changed"] = [connection.total_changes]
    return told


def test_whatever_a_read_says_the_next_one_finds_a_connection_like_a_new_one(file: File) -> None:
    with Door().looked_at(file.task(""), Watch(LIMITS)) as connection:
        new = settings(connection)
    door = Door()
    for sql in hostile():
        with suppress(sqlite3.Error, sqlite3.Warning, TargetError):
            watch = Watch(Limits(seconds=0.2))
            with (
                door.looked_at(file.task(sql), watch) as connection,
                closing(connection.execute(sql)) as cursor,
            ):
                cursor.fetchmany(10)
        with door.looked_at(file.task(sql), Watch(LIMITS)) as connection:
            assert settings(connection) == new, sql
    door.let_go()


def test_nobody_is_told_which_tables_of_sqlites_own_somebody_else_has_named(file: File) -> None:
    named = "SELECT count(*) FROM pragma_index_list('orders')"
    listed = "PRAGMA module_list"
    before = file.ask(listed)
    file.ask(named)
    assert file.ask(listed) == before


@pytest.mark.parametrize("listed", [(), ("orders",)], ids=["everything", "one table"])
def test_the_file_stays_open_from_one_usual_read_to_the_next(
    file: File, listed: tuple[str, ...]
) -> None:
    for _ in range(3):
        assert file.ask("SELECT state FROM orders WHERE id = 1", *listed) == (("open",),)
        assert file.is_open()


def test_no_transaction_is_open_between_reads(file: File) -> None:
    file.write("PRAGMA journal_mode = WAL; INSERT INTO orders VALUES (2, 'open')")
    with closing(sqlite3.connect(file.path, isolation_level=None)) as owner:
        assert file.ask("SELECT count(*) FROM orders") == ((2,),)
        assert file.is_open()
        owner.execute("INSERT INTO orders VALUES (3, 'open')")
        assert owner.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall() == [(0, 0, 0)]
        owner.execute("BEGIN EXCLUSIVE")
        owner.execute("ROLLBACK")
        assert file.ask("SELECT count(*) FROM orders") == ((3,),)


def test_a_connection_with_more_than_the_file_in_it_is_not_kept(file: File) -> None:
    assert file.ask("SELECT count(*) FROM temp.sqlite_master") == ((0,),)
    assert not file.is_open()


def test_a_read_that_was_refused_leaves_nothing_open(file: File) -> None:
    file.ask("SELECT 1")
    assert file.is_open()
    with pytest.raises(TargetError):
        file.ask("SELECT * FROM nowhere")
    assert not file.is_open()


def test_whoever_wants_the_file_closed_by_everybody_need_not_wait_long(file: File) -> None:
    file.write("PRAGMA journal_mode = WAL")
    file.ask("SELECT * FROM orders")
    file.work.rest()
    assert not file.is_open()
    file.write("PRAGMA journal_mode = DELETE")
    assert file.path.read_bytes()[18] == 1  # no write-ahead log any more, says the file


# --- the file that is read is the one that is there ---------------------------------------------


def other(folder: Path, state: str) -> Path:
    """Return a file of the same length and schema as another of these, with another state."""
    path = folder / f"{state}.other"
    File(path).write(f"UPDATE orders SET state = '{state}'")  # noqa: S608  our own words
    return path


def test_a_file_put_in_its_place_is_read_next(file: File, tmp_path: Path) -> None:
    assert file.ask("SELECT state FROM orders") == (("open",),)
    other(tmp_path, "done").replace(file.path)
    assert file.ask("SELECT state FROM orders") == (("done",),)


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_file_that_was_written_over_is_read_as_it_is(
    file: File, tmp_path: Path, mode: str
) -> None:
    """Without SQLite, as by `cp`: its own counters of changes are the same then."""
    file.write(f"PRAGMA journal_mode = {mode}")
    assert file.ask("SELECT state FROM orders") == (("open",),)
    shutil.copyfile(other(tmp_path, "done"), file.path)
    assert file.ask("SELECT state FROM orders") == (("done",),)


def test_a_file_that_changed_just_now_is_not_kept_open(file: File) -> None:
    """Its times could be the same after the next change."""
    file.path.touch()
    assert file.ask("SELECT state FROM orders") == (("open",),)
    assert not file.is_open()


def test_a_link_that_leads_elsewhere_is_followed(file: File, tmp_path: Path) -> None:
    real, file.path = file.path, tmp_path / "link"
    file.path.symlink_to(real)
    assert file.ask("SELECT state FROM orders") == (("open",),)
    file.path.unlink()
    file.path.symlink_to(other(tmp_path, "done"))
    assert file.ask("SELECT state FROM orders") == (("done",),)


def test_a_write_ahead_log_that_was_taken_away_is_not_read(file: File) -> None:
    file.write("PRAGMA journal_mode = WAL")
    code = (
        "import sqlite3, os, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute(\"UPDATE orders SET state = 'done'\"); os._exit(0)"  # with its log full
    )
    subprocess.run([sys.executable, "-c", code, file.path], check=True)  # noqa: S603  our own words
    for _ in range(3):
        assert file.ask("SELECT state FROM orders") == (("done",),)
    for ending in ("-wal", "-shm"):
        file.path.with_name(file.path.name + ending).unlink()
    assert file.ask("SELECT state FROM orders") == (("open",),)


def test_a_file_that_went_is_not_read_any_more(file: File) -> None:
    assert file.ask("SELECT state FROM orders") == (("open",),)
    file.path.unlink()
    with pytest.raises(TargetError) as caught:
        file.ask("SELECT state FROM orders")
    assert caught.value.code == "target-unreachable"


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_schema_that_changed_is_the_one_that_a_statement_is_planned_by(
    file: File, mode: str
) -> None:
    """Pages change owners: what was the page of `orders` is the page of `secret` now."""
    file.write(f"PRAGMA journal_mode = {mode}")
    with closing(sqlite3.connect(file.path, isolation_level=None)) as owner:
        for _ in range(2):
            assert file.ask("SELECT * FROM orders", "orders") == ((1, "open"),)
        owner.executescript(
            "ALTER TABLE orders RENAME TO was; ALTER TABLE secret RENAME TO orders;"
            "ALTER TABLE was RENAME TO secret; UPDATE orders SET password = 'shown'"
        )
        assert file.ask("SELECT * FROM orders", "orders") == ((1, "shown"),)
        owner.executescript("DROP TABLE orders; CREATE VIEW orders AS SELECT * FROM t, secret")
        with pytest.raises(TargetError, match=r"secret may not be read"):
            file.ask("SELECT * FROM secret", "orders")
        assert file.ask("SELECT count(*) FROM orders", "orders") == ((0,),)


def test_values_are_bounded_by_the_schema_that_there_is(file: File) -> None:
    """A plan by the view that was would allow each of sixty values 32 MiB."""
    many = ", ".join(f"hex(zeroblob(100000 + {n}))" for n in range(60))
    file.write("PRAGMA journal_mode = WAL; CREATE VIEW wide AS SELECT 1")
    with closing(sqlite3.connect(file.path, isolation_level=None)) as owner:
        for _ in range(2):  # the first makes the write-ahead log, and so is no reason to stay open
            assert file.ask("SELECT * FROM wide") == ((1,),)
        owner.executescript(f"DROP VIEW wide; CREATE VIEW wide AS SELECT {many}")
        assert file.is_open()
        with pytest.raises(TargetError, match="a value of more than 186,413 bytes"):
            file.ask("SELECT * FROM wide")


def test_two_files_by_turns_are_each_read_as_they_are(file: File, tmp_path: Path) -> None:
    second = File(
        tmp_path / "second.sqlite", "CREATE TABLE orders (n); INSERT INTO orders VALUES (2)"
    )
    second.work = file.work
    for _ in range(2):
        assert file.ask("SELECT * FROM orders") == ((1, "open"),)
        assert second.ask("SELECT * FROM orders") == ((2,),)
