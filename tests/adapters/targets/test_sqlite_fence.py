"""`reads` at a SQLite file, by the engine alone: nothing here asks the classifier."""

import sqlite3
from contextlib import aclosing, closing
from dataclasses import replace
from pathlib import Path

import pytest
from interlock_gateway.adapters.targets.sqlite import SqliteReader
from interlock_gateway.core.model import Dialect, Limits, Reads, Rows, Statement, Target
from interlock_gateway.service.targets import TargetError

WORLD = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT);
CREATE INDEX orders_state ON orders (state);
CREATE TABLE secret (id INTEGER PRIMARY KEY, password TEXT);
CREATE INDEX secret_password ON secret (password);
INSERT INTO orders VALUES (1, 'open');
INSERT INTO secret VALUES (1, 'hunter2');
CREATE VIEW plain AS SELECT id, state FROM orders;
CREATE VIEW masked AS SELECT id, '***' AS password FROM secret;
CREATE VIEW over_masked AS SELECT * FROM masked;
CREATE VIEW unlisted AS SELECT * FROM secret;
CREATE VIEW broken AS SELECT * FROM nowhere;
CREATE VIRTUAL TABLE words USING fts5(body);
INSERT INTO words VALUES ('hello world');
CREATE VIRTUAL TABLE words_of USING fts5(body);
INSERT INTO words_of VALUES ('hunter2');
CREATE VIRTUAL TABLE outside USING fts5(password, content='secret', content_rowid='id');
INSERT INTO outside (outside) VALUES ('rebuild');
CREATE TABLE pragma_database_list (password TEXT);
"""
LISTED = ("orders", "masked", "over_masked", "words", "outside", "broken")


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


class File:
    """A file of which only some relations may be read."""

    def __init__(self, path: Path) -> None:
        reads = Reads(tables=tuple(f"main.{name}" for name in LISTED))
        self.target = Target("orders", Dialect.SQLITE, "prod", str(path), reads=reads)

    async def ask(self, sql: str) -> Rows:
        statement = Statement(Dialect.SQLITE, sql, (), sql)
        async with aclosing(SqliteReader(AsWritten())) as reader:
            return await reader.read(self.target, statement, {}, Limits(seconds=5))

    async def refusal(self, sql: str) -> str:
        with pytest.raises(TargetError) as caught:
            await self.ask(sql)
        assert caught.value.code == "target-failed"
        return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> File:
    path = tmp_path / "orders.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(WORLD)
    return File(path)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM orders",
        'SELECT state FROM main."ORDERS" AS o WHERE o.id = 1',
        "SELECT count(*) FROM orders",
        "SELECT password FROM masked",
        "SELECT count(*) FROM over_masked JOIN orders USING (id)",
        "WITH secret AS (SELECT * FROM orders) SELECT * FROM secret",
        "WITH secret AS (SELECT * FROM masked) SELECT * FROM secret",
        "SELECT body FROM words WHERE words MATCH 'hello' ORDER BY rank",
        "SELECT value FROM json_each('[1]'), masked",
        "SELECT name FROM pragma_table_info('orders')",
        "PRAGMA table_info(orders)",
        "PRAGMA index_info(orders_state)",
        "PRAGMA user_version",
        "EXPLAIN QUERY PLAN SELECT * FROM over_masked",
        "SELECT 1",
    ],
)
async def test_what_is_listed_is_read_and_so_is_what_listed_views_show(
    file: File, sql: str
) -> None:
    assert "hunter2" not in repr(await file.ask(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM secret",
        "SELECT 1 FROM orders, secret LIMIT 0",
        "SELECT count(*) FROM SECRET",
        "SELECT 'a' IN (SELECT password FROM secret)",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM main.secret)",
        "SELECT * FROM unlisted",
        "SELECT * FROM masked UNION ALL SELECT * FROM secret",
        "SELECT (SELECT password FROM secret) FROM masked",
        "SELECT m.password FROM masked AS m JOIN secret USING (id)",
        "WITH x AS (SELECT * FROM secret) SELECT * FROM x",
        "WITH masked AS (SELECT * FROM secret) SELECT * FROM masked",
        "WITH masked AS (SELECT * FROM secret) SELECT * FROM masked, main.masked AS m",
        "WITH over_masked AS (SELECT * FROM secret) SELECT * FROM over_masked",
        "SELECT * FROM (SELECT * FROM secret) AS masked",
        "SELECT count(*) FROM masked, secret",
        "EXPLAIN QUERY PLAN SELECT * FROM masked, secret",
        "EXPLAIN SELECT * FROM secret",
        "SELECT password FROM pragma_database_list",
        "SELECT * FROM plain",
        "SELECT body FROM words_of WHERE words_of MATCH 'hunter2'",
        "SELECT * FROM words_of_content",
        "SELECT state FROM orders JOIN secret USING (id)",
        "SELECT m.password FROM masked AS m JOIN unlisted USING (id)",
        "SELECT count(*) FROM masked JOIN secret USING (password)",
        "SELECT count(*) FROM orders NATURAL JOIN secret",
        "SELECT count(*) FROM orders AS o JOIN words_of ON o.id = words_of.rowid",
        "SELECT 1 FROM words JOIN words_of USING (body)",
        "SELECT sql FROM sqlite_schema",
        "SELECT sql FROM sqlite_master, masked",
        "SELECT * FROM temp.sqlite_master",
        "SELECT name FROM pragma_table_info('secret')",
        "PRAGMA table_info(secret)",
        "PRAGMA main.table_xinfo('Secret')",
        "PRAGMA index_list(secret)",
        "PRAGMA index_info(secret_password)",
        "PRAGMA table_list",
        "PRAGMA foreign_key_check",
        "PRAGMA integrity_check",
    ],
)
async def test_nothing_else_is_read_however_it_is_asked_for(file: File, sql: str) -> None:
    assert "hunter2" not in (said := await file.refusal(sql))
    assert "may not be read through Interlock: orders.reads in targets.toml" in said


async def test_a_listed_schema_is_all_of_the_file(file: File) -> None:
    file.target = replace(file.target, reads=Reads(schemas=("main",)))
    assert (await file.ask("SELECT password FROM unlisted")).rows == (("hunter2",),)
    assert len((await file.ask("SELECT name FROM sqlite_schema")).rows) > len(LISTED)


async def test_another_schema_is_nothing_of_the_file(file: File) -> None:
    file.target = replace(file.target, reads=Reads(schemas=("public",)))
    assert "main.orders may not be read" in await file.refusal("SELECT * FROM orders")
    assert (await file.ask("SELECT 1")).rows == ((1,),)


async def test_a_search_table_over_another_table_shows_no_more_than_may_be_read(
    file: File,
) -> None:
    """What it opens is known only when it runs, and is refused then."""
    file.target = replace(file.target, reads=Reads(tables=("main.outside",)))
    said = await file.refusal("SELECT * FROM outside WHERE outside MATCH 'hunter2'")
    assert "main.secret may not be read" in said


async def test_a_view_that_makes_no_sense_opens_nothing(file: File) -> None:
    assert "nowhere" in await file.refusal("SELECT * FROM broken")


async def test_a_view_opens_what_it_opens_today(file: File, tmp_path: Path) -> None:
    """Each read looks for itself: there is no list that somebody could have got old."""
    assert (await file.ask("SELECT password FROM masked")).rows == (("***",),)
    with closing(sqlite3.connect(tmp_path / "orders.sqlite")) as connection:
        connection.executescript("DROP VIEW masked; CREATE VIEW masked AS SELECT 1 AS password")
    assert (await file.ask("SELECT password FROM masked")).rows == ((1,),)
    assert "main.secret" in await file.refusal("SELECT * FROM secret")
