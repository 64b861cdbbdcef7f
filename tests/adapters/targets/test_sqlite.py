"""Reads and deeds of real SQLite files: values, limits, time, cancelling, errors."""

import asyncio
import sqlite3
import time as clock
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from interlock.wire import decode_cell, encode_value
from interlock_gateway.adapters.targets import Targets, sqlite_lock
from interlock_gateway.adapters.targets.file_child import Task
from interlock_gateway.adapters.targets.sqlite_work import SqliteWork
from interlock_gateway.core.model import Dialect, Limits, Rows, Statement, Target
from interlock_gateway.service.targets import Deed, Expect, TargetError
from witnesses import Attentive

ROOMY = Limits(rows=1_000, bytes=1 << 20, seconds=5)
ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT "


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


class Orders:
    """A file with five open orders, and what can be asked of it and done to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.targets = Targets(AsWritten())
        self.target = Target("orders", Dialect.SQLITE, "prod", str(path), str(path))

    async def ask(self, sql: str, limits: Limits = ROOMY, **params: Any) -> Rows:
        statement = Statement(Dialect.SQLITE, sql, tuple(params), sql)
        typed = {name: encode_value(value) for name, value in params.items()}
        return await self.targets.read(self.target, statement, typed, limits)

    async def act(
        self, sql: str, expect: Expect = Expect.ROW_COUNT, *, rows: int = 1, limits: Limits = ROOMY
    ) -> Rows:
        statement = Statement(Dialect.SQLITE, sql, (), sql)
        deed = Deed(statement, {}, expect, rows, max_rows=10)
        return await self.targets.act(self.target, deed, limits, Attentive())

    async def refusal(self, sql: str, **how: Any) -> str:
        with pytest.raises(TargetError) as caught:
            await self.act(sql, **how)
        return caught.value.code

    def states(self) -> list[str]:
        with closing(sqlite3.connect(self.path)) as connection:
            return [row[0] for row in connection.execute("SELECT state FROM orders ORDER BY id")]


OPEN = ["open"] * 5


@pytest.fixture
async def orders(tmp_path: Path) -> AsyncIterator[Orders]:
    path = tmp_path / "orders #1?mode=rwc&x.sqlite"  # characters that mean something in a URI
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "PRAGMA synchronous = OFF;"
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT NOT NULL);"
            "INSERT INTO orders SELECT value, 'open' FROM json_each('[1,2,3,4,5]');"
        )
    found = Orders(path)
    yield found
    await found.targets.aclose()


# --- reading ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "kind", "cell"),
    [
        ("1", "integer", 1),
        ("9223372036854775807", "integer", 2**63 - 1),
        ("0.5", "number", 0.5),
        ("9e999", "number", "inf"),
        ("'grün'", "text", "grün"),
        ("NULL", "text", None),
        ("x'00ff'", "bytes", "AP8="),
        ("CAST(x'ff41' AS TEXT)", "text", "\\xffA"),
    ],
)
async def test_a_column_has_the_type_of_what_is_in_it(
    orders: Orders, expression: str, kind: str, cell: Any
) -> None:
    rows = await orders.ask(f"SELECT {expression} AS it")
    assert (rows.columns[0].name, rows.columns[0].type, rows.rows[0][0]) == ("it", kind, cell)
    decode_cell(kind, cell)


async def test_a_column_of_different_things_is_json(orders: Orders) -> None:
    rows = await orders.ask("VALUES (1), (NULL), ('a'), (0.5), (x'ff')")
    assert rows.columns[0].type == "json"
    assert rows.rows == ((1,), (None,), ("a",), (0.5,), ("x'ff'",))


async def test_whole_and_broken_numbers_are_numbers_while_they_are_exact(orders: Orders) -> None:
    assert (await orders.ask("VALUES (1), (0.5)")).columns[0].type == "number"
    assert (await orders.ask("VALUES (9007199254740993), (0.5)")).columns[0].type == "json"


def test_what_sqlite_itself_sees_as_no_read_is_not_run(
    orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its program is looked at also where the authorizer would let it through."""
    monkeypatch.setattr(sqlite_lock, "reading", lambda *_: sqlite3.SQLITE_OK)
    delete = Statement(Dialect.SQLITE, "DELETE FROM orders", (), "DELETE FROM orders")
    with pytest.raises(TargetError, match=r"SQLite would run .*It was not run"):
        SqliteWork().read(Task(str(orders.path), "orders", delete, {}, ROOMY))
    assert orders.states() == OPEN


EAST = timezone(timedelta(hours=2))
PARAMETERS = [
    (5, "5", "integer"),
    (True, "1", "integer"),
    (None, None, "null"),
    ("a'b", "a'b", "text"),
    (Decimal("1.50"), "1.50", "text"),
    (b"\x00", "\x00", "blob"),
    (date(2026, 1, 2), "2026-01-02", "text"),
    (datetime(2026, 1, 2, 3, tzinfo=EAST), "2026-01-02 01:00:00", "text"),
    (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02 03:00:00", "text"),
    (timedelta(seconds=90), "90.0", "real"),
    ([1, "a"], '[1, "a"]', "text"),
]


@pytest.mark.parametrize(("value", "text", "kind"), PARAMETERS)
async def test_parameters_are_stored_the_way_sqlite_stores_such_things(
    orders: Orders, value: Any, text: str | None, kind: str
) -> None:
    rows = await orders.ask("SELECT CAST(?1 AS TEXT), typeof(?1)", v=value)
    assert rows.rows == ((text, kind),)


async def test_a_whole_number_too_large_for_sqlite_is_said_so(orders: Orders) -> None:
    with pytest.raises(TargetError, match="too large"):
        await orders.ask("SELECT ?1", v=2**64)


async def test_rows_and_bytes_are_limited_and_the_limit_is_named(orders: Orders) -> None:
    rows = await orders.ask(ENDLESS + "n FROM r", Limits(rows=3))
    assert (rows.rows, rows.truncated) == (((1,), (2,), (3,)), "rows (3)")
    rows = await orders.ask(ENDLESS + "hex(zeroblob(50)) FROM r", Limits(bytes=525))
    assert (len(rows.rows), rows.truncated) == (5, "bytes (525)")
    assert (await orders.ask("SELECT * FROM orders", Limits(rows=5))).truncated == ""


async def test_an_answer_without_rows_still_has_columns(orders: Orders) -> None:
    rows = await orders.ask("SELECT id, state FROM orders WHERE id > 99")
    assert [column.name for column in rows.columns] == ["id", "state"]


async def test_the_time_limit_strikes_inside_the_engine(orders: Orders) -> None:
    started = clock.monotonic()
    with pytest.raises(TargetError, match=r"0\.1 s") as caught:
        await orders.ask(ENDLESS + "count(*) FROM r", Limits(seconds=0.1))
    assert caught.value.code == "target-timeout"
    assert clock.monotonic() - started < 1


async def test_cancelling_the_task_stops_the_engine(orders: Orders) -> None:
    task = asyncio.create_task(orders.ask(ENDLESS + "count(*) FROM r"))
    await asyncio.sleep(0.05)
    started = clock.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clock.monotonic() - started < 0.5


async def test_a_missing_file_is_unreachable_and_is_not_made(orders: Orders) -> None:
    missing = orders.path.with_name("missing.sqlite")
    orders.target = Target("orders", Dialect.SQLITE, "prod", str(missing), str(missing))
    for call in (orders.ask("SELECT 1"), orders.act("DELETE FROM orders")):
        with pytest.raises(TargetError) as caught:
            await call
        assert caught.value.code == "target-unreachable"
    assert not missing.exists()


async def test_a_file_that_is_no_database_is_said_so(orders: Orders) -> None:
    orders.path.write_text("this is no database, but it is long enough to look like one\n" * 20)
    with pytest.raises(TargetError, match="not a database"):
        await orders.ask("SELECT * FROM orders")


async def test_a_file_whose_names_are_no_text_is_said_so(orders: Orders) -> None:
    with closing(sqlite3.connect(orders.path)) as connection:
        connection.executescript(
            "CREATE VIEW odd AS SELECT * FROM nowhere; PRAGMA writable_schema = ON;"
            "UPDATE sqlite_schema SET sql = CAST("
            "replace(CAST(sql AS BLOB), 'nowhere', x'8e') AS TEXT) WHERE name = 'odd'"
        )
    with pytest.raises(TargetError, match="no text in UTF-8"):
        await orders.targets.catalogue(orders.target)
    assert len((await orders.ask("SELECT * FROM orders")).rows) == 5


async def test_a_text_that_c_would_cut_short_is_not_sent(orders: Orders) -> None:
    with pytest.raises(TargetError, match="NUL"):
        await orders.ask("SELECT 1\0; DROP TABLE orders")


async def test_another_dialects_statement_is_not_sent(orders: Orders) -> None:
    statement = Statement(Dialect.POSTGRES, "SELECT 1", (), "SELECT 1")
    with pytest.raises(TargetError, match="postgres statement"):
        await orders.targets.read(orders.target, statement, {}, ROOMY)


# --- acting -----------------------------------------------------------------------------------


async def test_a_deed_that_changes_what_was_approved_stands(orders: Orders) -> None:
    rows = await orders.act("UPDATE orders SET state = 'done' WHERE id = 1 RETURNING id")
    assert (rows.rows, rows.affected) == (((1,),), 1)
    assert orders.states() == ["done", *OPEN[1:]]


async def test_more_or_fewer_rows_than_approved_are_rolled_back(orders: Orders) -> None:
    assert await orders.refusal("DELETE FROM orders WHERE id < 3") == "exceeded-approved-effect"
    assert await orders.refusal("DELETE FROM orders WHERE id > 9") == "precondition-failed"
    assert orders.states() == OPEN


async def test_more_rows_returned_than_delivered_are_still_all_changed(orders: Orders) -> None:
    sql = "UPDATE orders SET state = 'done' RETURNING id"
    rows = await orders.act(sql, rows=5, limits=Limits(rows=2))
    assert (len(rows.rows), rows.truncated, rows.affected) == (2, "rows (2)", 5)
    assert orders.states() == ["done"] * 5


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE orders SET state = 'x' WHERE id = 1; COMMIT",
        "COMMIT",
        "ATTACH '/tmp/interlock-hostile' AS other",
        "PRAGMA writable_schema = ON",
        "UPDATE orders SET state = load_extension('/tmp/evil') WHERE id = 1",
        "CREATE TRIGGER x AFTER INSERT ON orders BEGIN DELETE FROM orders; END",
        "CREATE VIRTUAL TABLE x USING fts5(y)",
        "SAVEPOINT x",
        "VACUUM INTO '/tmp/interlock-hostile'",
    ],
)
async def test_an_approved_deed_is_still_locked_in(orders: Orders, sql: str) -> None:
    assert await orders.refusal(sql, rows=0) == "target-failed"
    assert orders.states() == OPEN


async def test_a_deed_that_takes_too_long_is_rolled_back(orders: Orders) -> None:
    slow = (
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) "
        "UPDATE orders SET state = (SELECT max(n) FROM r) WHERE id = 1"
    )
    assert await orders.refusal(slow, limits=Limits(seconds=0.1)) == "target-timeout"
    assert orders.states() == OPEN


async def test_a_file_that_somebody_else_writes_is_left_alone(orders: Orders) -> None:
    with closing(sqlite3.connect(orders.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        soon = Limits(seconds=0.1)
        assert await orders.refusal("DELETE FROM orders", limits=soon) == "target-failed"
        other.execute("ROLLBACK")
    assert orders.states() == OPEN


async def test_a_target_without_an_action_login_cannot_be_changed(orders: Orders) -> None:
    orders.target = Target("orders", Dialect.SQLITE, "prod", str(orders.path))
    assert await orders.refusal("DELETE FROM orders WHERE id = 1") == "target-failed"
    assert orders.states() == OPEN
