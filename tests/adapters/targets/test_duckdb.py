"""Reads and deeds of real DuckDB files: values, limits, time, cancelling, errors, sharing."""

import asyncio
import subprocess
import sys
import time as clock
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest
import pytest_asyncio
from interlock.wire import decode_cell, encode_value
from interlock_gateway.adapters.targets import Targets
from interlock_gateway.core.model import Dialect, Limits, Rows, Statement, Target
from interlock_gateway.core.statement import translate
from interlock_gateway.service.targets import Deed, Expect, TargetError
from witnesses import Attentive

ROOMY = Limits(rows=1_000, bytes=1 << 20, seconds=10)
ENDLESS = "SELECT count(*) FROM range(100000000000000) AS r(n)"


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


class Orders:
    """A file with five open orders, and what can be asked of it and done to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.targets = Targets(AsWritten())
        self.target = Target("orders", Dialect.DUCKDB, "prod", str(path), str(path))

    async def ask(self, sql: str, limits: Limits = ROOMY, **params: Any) -> Rows:
        statement = translate(Dialect.DUCKDB, sql)
        typed = {name: encode_value(value) for name, value in params.items()}
        return await self.targets.read(self.target, statement, typed, limits)

    async def act(
        self, sql: str, expect: Expect = Expect.ROW_COUNT, *, rows: int = 1, limits: Limits = ROOMY
    ) -> Rows:
        statement = Statement(Dialect.DUCKDB, sql, (), sql)
        deed = Deed(statement, {}, expect, rows, max_rows=10)
        return await self.targets.act(self.target, deed, limits, Attentive())

    async def refusal(self, sql: str, **how: Any) -> str:
        with pytest.raises(TargetError) as caught:
            await self.act(sql, **how)
        return caught.value.code

    def states(self) -> list[str]:
        with duckdb.connect(self.path, read_only=True) as connection:
            rows = connection.execute("SELECT state FROM orders ORDER BY id").fetchall()
        return [row[0] for row in rows]


OPEN = ["open"] * 5


def orders_in(folder: Path) -> Orders:
    path = folder / "orders #1?mode=rw&x.duckdb"  # characters that mean something in an address
    with duckdb.connect(path) as connection:
        connection.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, state VARCHAR NOT NULL);"
            "INSERT INTO orders SELECT n, 'open' FROM range(1, 6) AS r(n);"
            "CREATE SEQUENCE numbers;"
            "CREATE VIEW next_number AS SELECT nextval('numbers') AS n;"
        )
    return Orders(path)


@pytest.fixture
async def orders(tmp_path: Path) -> AsyncIterator[Orders]:
    """A file of its own for a test, and children of its own."""
    found = orders_in(tmp_path)
    yield found
    await found.targets.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Orders]:
    """A file that tests only read, with one child for all of them."""
    found = orders_in(tmp_path_factory.mktemp("shown"))
    yield found
    await found.targets.aclose()


# --- reading ----------------------------------------------------------------------------------


VALUES = [
    ("1::TINYINT", "integer", 1),
    ("170141183460469231731687303715884105727::HUGEINT", "integer", 2**127 - 1),
    ("340282366920938463463374607431768211455::UHUGEINT", "integer", 2**128 - 1),
    ("'123456789012345678901234567890'::BIGNUM", "numeric", "123456789012345678901234567890"),
    ("0.5::DOUBLE", "number", 0.5),
    ("'nan'::FLOAT", "number", "nan"),
    ("'-inf'::DOUBLE", "number", "-inf"),
    ("1.50::DECIMAL(10, 2)", "numeric", "1.50"),
    ("true", "boolean", True),
    ("NULL", "text", None),
    ("'grün'", "text", "grün"),
    ("'0101'::BIT", "text", "0101"),
    ("'good'::ENUM('good', 'bad')", "text", "good"),
    (r"'\x00\xFF'::BLOB", "bytes", "AP8="),
    ("'00000000-0000-0000-0000-000000000007'::UUID", "uuid", str(UUID(int=7))),
    ("DATE '2026-01-02'", "date", "2026-01-02"),
    ("DATE '0044-03-15 (BC)'", "text", "0044-03-15 (BC)"),
    ("DATE '12026-01-02'", "text", "12026-01-02"),
    ("TIME '01:02:03.5'", "time", "01:02:03.500000"),
    ("TIME '24:00:00'", "text", "24:00:00"),
    ("'12:00:00+02'::TIMETZ", "text", "12:00:00+02:00"),
    ("TIMESTAMP '2026-01-02 03:04:05.5'", "timestamp", "2026-01-02T03:04:05.500000"),
    ("TIMESTAMP_S '2026-01-02 03:04:05'", "timestamp", "2026-01-02T03:04:05"),
    ("TIMESTAMP_MS '2026-01-02 03:04:05'", "timestamp", "2026-01-02T03:04:05"),
    ("TIMESTAMP_NS '2026-01-02 03:04:05.123456789'", "timestamp", "2026-01-02T03:04:05.123456"),
    ("TIMESTAMPTZ '2026-01-02 03:04:05+02'", "timestamptz", "2026-01-02T01:04:05+00:00"),
    ("INTERVAL '1 day 2 seconds'", "interval", "86402000000us"),
    ("[1, NULL, 2]", "json", [1, None, 2]),
    ("[1, 2]::INTEGER[2]", "json", [1, 2]),
    ("{'a': 1, 'b': [DATE '2026-01-02']}", "json", {"a": 1, "b": ["2026-01-02"]}),
    ("MAP {1: 2.5::DECIMAL(2, 1)}", "json", {"1": "2.5"}),
    ("MAP {'a': INTERVAL 1 SECOND}", "json", {"a": "1000000us"}),
    ("union_value(k := 'x'::BLOB)", "json", "x'78'"),
    ("{'a': 'nan'::DOUBLE, 'b': NULL}", "json", {"a": "nan", "b": None}),
    ("""'{"a": [1, "x"]}'::JSON""", "json", {"a": [1, "x"]}),
]  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("expression", "kind", "cell"), VALUES)
async def test_a_column_has_the_type_that_duckdb_gives_it(
    shown: Orders, expression: str, kind: str, cell: Any
) -> None:
    rows = await shown.ask(f"SELECT {expression} AS it")
    assert (rows.columns[0].name, rows.columns[0].type, rows.rows[0][0]) == ("it", kind, cell)
    decode_cell(kind, cell)


PARAMETERS = [
    (5, "5", "INTEGER"),
    (2**70, str(2**70), "HUGEINT"),
    (True, "true", "BOOLEAN"),
    (0.5, "0.5", "DOUBLE"),
    (Decimal("1.50"), "1.50", "DECIMAL(3,2)"),
    ("a'b", "a'b", "VARCHAR"),
    (b"\x00a", "\\x00a", "BLOB"),
    (date(2026, 1, 2), "2026-01-02", "DATE"),
    (time(1, 2), "01:02:00", "TIME"),
    (datetime(2026, 1, 2, 3), "2026-01-02 03:00:00", "TIMESTAMP"),  # noqa: DTZ001  a local one
    (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02 03:00:00+00", "TIMESTAMP WITH TIME ZONE"),
    (timedelta(seconds=90), "00:01:30", "INTERVAL"),
    (UUID(int=7), "00000000-0000-0000-0000-000000000007", "UUID"),
    ([1, 2], "[1, 2]", "INTEGER[]"),
    ({"a": 1}, "{'a': 1}", "STRUCT(a INTEGER)"),
]  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("value", "text", "kind"), PARAMETERS)
async def test_parameters_arrive_as_values_of_their_type(
    shown: Orders, value: Any, text: str, kind: str
) -> None:
    rows = await shown.ask("SELECT :value::VARCHAR, typeof(:value)", value=value)
    assert rows.rows == ((text, kind),)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_missing_value_is_null(shown: Orders) -> None:
    assert (await shown.ask("SELECT :value IS NULL", value=None)).rows == ((True,),)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("value", [2**130, "\ud800", [{"a": 1}, 2]])
async def test_a_value_that_duckdb_does_not_take_is_said_so(shown: Orders, value: Any) -> None:
    with pytest.raises(TargetError) as caught:
        await shown.ask("SELECT :value", value=value)
    assert caught.value.code == "target-failed"


async def test_more_rows_than_the_limit_are_cut_and_said_so(orders: Orders) -> None:
    endless = "FROM range(100000000000000)"
    rows = await orders.ask(endless, Limits(rows=3))
    assert (rows.rows, rows.truncated) == (((0,), (1,), (2,)), "rows (3)")
    rows = await orders.ask("SELECT repeat('x', 100) FROM range(100000)", Limits(bytes=525))
    assert (len(rows.rows), rows.truncated) == (5, "bytes (525)")
    assert (await orders.ask("FROM orders", Limits(rows=5))).truncated == ""


async def test_an_answer_without_rows_still_has_columns(orders: Orders) -> None:
    rows = await orders.ask("SELECT id, state FROM orders WHERE id > 99")
    assert [(column.name, column.type) for column in rows.columns] == [
        ("id", "integer"),
        ("state", "text"),
    ]


async def test_the_time_limit_strikes_inside_the_engine(orders: Orders) -> None:
    started = clock.monotonic()
    with pytest.raises(TargetError, match=r"0\.2 s") as caught:
        await orders.ask(ENDLESS, Limits(seconds=0.2))
    assert caught.value.code == "target-timeout"
    assert clock.monotonic() - started < 10  # a child is started first


async def test_cancelling_the_task_stops_the_engine(orders: Orders) -> None:
    task = asyncio.create_task(orders.ask(ENDLESS))
    await asyncio.sleep(0.5)
    started = clock.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clock.monotonic() - started < 3


async def test_a_sort_that_does_not_fit_into_memory_writes_no_file(orders: Orders) -> None:
    wide = "SELECT hash(n) AS h, repeat('x', 50) || n AS text FROM range(20000000) AS r(n)"
    with pytest.raises(TargetError, match="512MB of memory"):
        await orders.ask(f"SELECT * FROM ({wide}) ORDER BY h")  # noqa: S608  our own words
    assert [path.name for path in orders.path.parent.iterdir()] == [orders.path.name]


async def test_a_missing_file_is_unreachable_and_is_not_made(orders: Orders) -> None:
    missing = orders.path.with_name("missing.duckdb")
    orders.target = Target("orders", Dialect.DUCKDB, "prod", str(missing), str(missing))
    for call in (orders.ask("SELECT 1"), orders.act("DELETE FROM orders")):
        with pytest.raises(TargetError) as caught:
            await call
        assert caught.value.code == "target-unreachable"
    assert not missing.exists()


async def test_a_target_is_a_file_of_this_machine(orders: Orders) -> None:
    for address in (":memory:", "md:orders", "https://example.com/x.duckdb"):
        orders.target = Target("orders", Dialect.DUCKDB, "prod", address)
        with pytest.raises(TargetError, match="is not there"):
            await orders.ask("SELECT 1")


async def test_a_file_that_is_no_database_is_said_so(orders: Orders) -> None:
    orders.path.write_text("this is no database, but it is long enough to look like one\n" * 20)
    with pytest.raises(TargetError, match="not a valid DuckDB database"):
        await orders.ask("FROM orders")


async def test_another_dialects_statement_is_not_sent(orders: Orders) -> None:
    statement = Statement(Dialect.SQLITE, "SELECT 1", (), "SELECT 1")
    with pytest.raises(TargetError, match="sqlite statement"):
        await orders.targets.read(orders.target, statement, {}, ROOMY)


async def test_a_view_that_would_change_something_is_refused_by_the_engine(
    orders: Orders,
) -> None:
    with pytest.raises(TargetError, match="read-only"):
        await orders.ask("FROM next_number")


async def test_readers_share_a_file_at_the_same_time(orders: Orders) -> None:
    answers = await asyncio.gather(*(orders.ask("SELECT count(*) FROM orders") for _ in range(8)))
    assert [rows.rows for rows in answers] == [((5,),)] * 8


@contextmanager
def another_process(path: Path, *, read_only: bool) -> Iterator[None]:
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'True');"
        "print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(path), str(read_only)]
    with subprocess.Popen(  # noqa: S603  our own words
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"open\n"
        yield
        process.communicate()


async def test_a_file_that_another_process_writes_is_in_use(orders: Orders) -> None:
    with another_process(orders.path, read_only=False):
        for call in (
            orders.ask("SELECT 1", Limits(seconds=0.1)),
            orders.act("DELETE FROM orders", limits=Limits(seconds=0.1)),
        ):
            with pytest.raises(TargetError, match=r"in use.*Try again") as caught:
                await call
            assert caught.value.code == "target-unreachable"
    assert orders.states() == OPEN


async def test_a_file_that_another_process_reads_can_be_read(orders: Orders) -> None:
    with another_process(orders.path, read_only=True):
        assert (await orders.ask("SELECT count(*) FROM orders")).rows == ((5,),)


async def test_a_deed_waits_for_a_read_that_is_about_to_end(orders: Orders) -> None:
    read = asyncio.create_task(orders.ask(ENDLESS, Limits(seconds=0.5)))
    await asyncio.sleep(0.2)
    rows = await orders.act("DELETE FROM orders WHERE id = 1")
    assert rows.affected == 1
    with pytest.raises(TargetError):
        await read


# --- acting -----------------------------------------------------------------------------------


async def test_a_deed_that_changes_what_was_approved_stands(orders: Orders) -> None:
    rows = await orders.act("UPDATE orders SET state = 'done' WHERE id = 1 RETURNING id")
    assert (rows.rows, rows.affected) == (((1,),), 1)
    rows = await orders.act("UPDATE orders SET state = 'done' WHERE id IN (2, 3)", rows=2)
    assert (rows.columns, rows.rows, rows.affected) == ((), (), 2)
    assert orders.states() == ["done"] * 3 + ["open"] * 2


async def test_more_or_fewer_rows_than_approved_are_rolled_back(orders: Orders) -> None:
    assert await orders.refusal("DELETE FROM orders WHERE id < 3") == "exceeded-approved-effect"
    assert await orders.refusal("DELETE FROM orders WHERE id > 9") == "precondition-failed"
    assert await orders.refusal("DELETE FROM orders RETURNING id") == "exceeded-approved-effect"
    assert orders.states() == OPEN


async def test_more_rows_returned_than_delivered_are_still_all_changed(orders: Orders) -> None:
    sql = "UPDATE orders SET state = 'done' RETURNING id"
    rows = await orders.act(sql, rows=5, limits=Limits(rows=2))
    assert (len(rows.rows), rows.truncated, rows.affected) == (2, "rows (2)", 5)
    assert orders.states() == ["done"] * 5


async def test_the_rows_of_a_select_are_no_count_of_changes(orders: Orders) -> None:
    assert await orders.refusal("SELECT nextval('numbers')") == "precondition-failed"
    hidden = "WITH gone AS (DELETE FROM orders RETURNING *) SELECT 1"
    assert await orders.refusal(hidden) == "precondition-failed"
    assert orders.states() == OPEN


async def test_a_table_is_made_when_it_was_approved(orders: Orders) -> None:
    assert await orders.refusal("CREATE TABLE more (a INTEGER)") == "precondition-failed"
    rows = await orders.act("CREATE TABLE more (a INTEGER)", Expect.NO_ROWS)
    assert rows.affected is None
    assert (await orders.ask("FROM more")).rows == ()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE orders SET state = 'x' WHERE id = 1; COMMIT",
        "COMMIT",
        "ATTACH '{folder}/other.duckdb' AS other",
        "COPY orders TO '{folder}/out.csv'",
        "COPY orders FROM '{folder}/in.csv'",
        "EXPORT DATABASE '{folder}/out'",
        "INSERT INTO orders SELECT 9, content FROM read_text('{folder}/in.csv')",
        "UPDATE orders SET state = (SELECT max(content) FROM read_text('{folder}/in.csv'))",
        "CREATE TABLE x AS FROM '{folder}/in.csv'",
        "SET threads = 1",
        "CALL enable_logging()",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA enable_profiling",
        "PREPARE x AS DELETE FROM orders",
        "CHECKPOINT",
        "VACUUM",
    ],
)
async def test_an_approved_deed_is_still_locked_in(orders: Orders, sql: str) -> None:
    folder = orders.path.parent
    (folder / "in.csv").write_text("id,state\n9,secret\n")
    assert await orders.refusal(sql.format(folder=folder), rows=0) == "target-failed"
    assert orders.states() == OPEN
    assert sorted(path.name for path in folder.iterdir()) == ["in.csv", orders.path.name]


async def test_a_deed_that_takes_too_long_is_rolled_back(orders: Orders) -> None:
    slow = f"UPDATE orders SET state = ({ENDLESS}) WHERE id = 1"  # noqa: S608  our own words
    assert await orders.refusal(slow, limits=Limits(seconds=0.2)) == "target-timeout"
    assert orders.states() == OPEN


async def test_a_deed_that_breaks_a_constraint_is_rolled_back(orders: Orders) -> None:
    assert await orders.refusal("INSERT INTO orders VALUES (1, 'twice')") == "target-failed"
    assert orders.states() == OPEN


async def test_a_target_without_an_action_login_cannot_be_changed(orders: Orders) -> None:
    orders.target = Target("orders", Dialect.DUCKDB, "prod", str(orders.path))
    assert await orders.refusal("DELETE FROM orders WHERE id = 1") == "target-failed"
    assert orders.states() == OPEN


async def test_a_refusal_in_words_that_are_no_text_is_a_failure_without_effect(
    orders: Orders,
) -> None:
    """DuckDB names the character it did not expect, and cuts it in two."""
    sql = "UPDATE orders SET state = 'done' WHERE id = 1 AND X'\xa0' IS NULL"
    assert await orders.refusal(sql) == "target-failed"
    assert (await orders.ask("SELECT count(*) FROM orders")).rows == ((5,),)
