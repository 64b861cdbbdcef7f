"""Values to and from a real PostgreSQL: each keeps its type, or stays the text it was."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from interlock.testing.postgres import Database
from interlock.wire import decode_cell, encode_value
from interlock_gateway.adapters.targets.postgres import PostgresReader
from interlock_gateway.core.model import Dialect, Limits, Rows, Statement, Target

pytestmark = pytest.mark.postgres


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


class Orders:
    """A target and the reader under test."""

    def __init__(self, reader: PostgresReader, dsn: str) -> None:
        self.reader = reader
        self.target = Target("orders", Dialect.POSTGRES, "prod", dsn)

    async def ask(self, sql: str, **params: Any) -> Rows:
        statement = Statement(Dialect.POSTGRES, sql, tuple(params), sql)
        typed = {name: encode_value(value) for name, value in params.items()}
        return await self.reader.read(self.target, statement, typed, Limits())

    async def cell(self, sql: str, **params: Any) -> tuple[str, Any]:
        rows = await self.ask(sql, **params)
        return rows.columns[0].type, rows.rows[0][0]


@pytest.fixture
async def orders(module_database: Database) -> AsyncIterator[Orders]:
    reader = PostgresReader(AsWritten())
    yield Orders(reader, module_database.read)
    await reader.aclose()


NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
THERE_AND_BACK = [
    ("boolean", "bool", True),
    ("integer", "int4", -7),
    ("integer", "int8", 2**40),
    ("numeric", "numeric", Decimal("12345678901234567890.10")),
    ("number", "float8", 0.1),
    ("text", "text", "grün \\ ' \" 🦀"),
    ("timestamptz", "timestamptz", NOW),
    ("timestamp", "timestamp", NOW.replace(tzinfo=None)),
    ("date", "date", date(1999, 12, 31)),
    ("time", "time", time(23, 59, 59, 999_999)),
    ("interval", "interval", timedelta(days=-3, hours=5, microseconds=7)),
    ("uuid", "uuid", UUID("5f1d2f2e-8a4e-4c0e-9d0a-3f2b1c0d9e8f")),
    ("bytes", "bytea", b"\x00\xff'\\"),
    ("json", "jsonb", {"a": [1, None, {"b": "ü"}]}),
    ("json", "int4[]", [1, 2, 3]),
    ("json", "text[]", ["a,b", 'c"d', "{e}", "NULL", "f\\g", ""]),
    ("json", "bool[]", []),
]


@pytest.mark.parametrize(("kind", "type_name", "value"), THERE_AND_BACK)
async def test_a_value_comes_back_as_it_was_sent(
    orders: Orders, kind: str, type_name: str, value: Any
) -> None:
    assert await orders.cell(f"SELECT $1::{type_name}", v=value) == (
        kind,
        encode_value(value)["value"],
    )


AS_PRINTED = [
    ("'infinity'::timestamptz", "text", "infinity"),
    ("'4713-01-01 BC'::date", "text", "4713-01-01 BC"),
    ("'12026-01-01'::timestamp", "text", "12026-01-01 00:00:00"),
    ("'24:00'::time", "text", "24:00:00"),
    ("'1 mon'::interval", "text", "1 mon"),
    ("'1 year -2 days'::interval", "text", "1 year -2 days"),
    ("'0'::interval", "interval", "0us"),
    ("'-1 day +00:00:01.5'::interval", "interval", "-86398500000us"),
    ("'-00:00:00.000001'::interval", "interval", "-1us"),
    ("'300 hours'::interval", "interval", "1080000000000us"),
    ("'NaN'::float8", "number", "nan"),
    ("'-Infinity'::float4", "number", "-inf"),
    ("'NaN'::numeric", "numeric", "NaN"),
    ("'1e999'::json", "text", "1e999"),
    (r"""'"\ud800"'::json""", "text", r'"\ud800"'),
    ("12.34::money", "text", "$12.34"),
    ("'10.0.0.0/8'::cidr", "text", "10.0.0.0/8"),
    ("'(1,2)'::point", "text", "(1,2)"),
    ("ROW(1, 'a')", "text", "(1,a)"),
    ("'pg_class'::regclass", "text", "pg_class"),
    ("'{{1,2},{3,NULL}}'::int[]", "json", [[1, 2], [3, None]]),
    ("'[0:1]={1,2}'::int[]", "text", "[0:1]={1,2}"),
    ("ARRAY['2026-01-01'::timestamptz]", "json", ["2026-01-01T00:00:00+00:00"]),
    ("ARRAY['infinity'::timestamptz]", "text", "{infinity}"),
    ("ARRAY['{\"a\": [1]}'::jsonb]", "json", [{"a": [1]}]),
    ("pg_blocking_pids(pg_backend_pid())", "json", []),
    ("'10:00+02'::timetz", "time", "10:00:00+02:00"),
    ("NULL::int", "integer", None),
    ("4294967295::oid", "integer", 4294967295),
    ("'\"x\"'::json", "json", "x"),
]


@pytest.mark.parametrize(("expression", "kind", "cell"), AS_PRINTED)
async def test_a_cell_keeps_its_type_or_stays_the_text_the_server_printed(
    orders: Orders, expression: str, kind: str, cell: Any
) -> None:
    assert await orders.cell(f"SELECT {expression}") == (kind, cell)
    decode_cell(kind, cell)


async def test_one_cell_that_cannot_be_said_makes_its_column_text_and_no_other(
    orders: Orders,
) -> None:
    rows = await orders.ask("VALUES ('2026-01-01'::date, 1), ('infinity', 2)")
    assert [column.type for column in rows.columns] == ["text", "integer"]
    assert rows.rows == (("2026-01-01", 1), ("infinity", 2))


async def test_integers_are_no_wider_than_functions_take(orders: Orders) -> None:
    assert await orders.cell("SELECT pg_blocking_pids($1)", pid=1) == ("json", [])
    assert await orders.cell("SELECT $1 + 1::numeric", big=2**70) == ("numeric", str(2**70 + 1))


async def test_text_takes_the_type_that_the_server_needs(orders: Orders) -> None:
    assert await orders.cell("SELECT $1 = '10.0.0.1'::inet", host="10.0.0.1") == ("boolean", True)


async def test_a_list_is_an_array(orders: Orders) -> None:
    assert await orders.cell("SELECT 2 = ANY ($1)", pids=[1, 2]) == ("boolean", True)


async def test_an_answer_without_rows_still_has_columns(orders: Orders) -> None:
    rows = await orders.ask("SELECT 1 AS one, now() AS two WHERE false")
    assert [(column.name, column.type) for column in rows.columns] == [
        ("one", "integer"),
        ("two", "timestamptz"),
    ]
    assert (rows.rows, rows.truncated, rows.affected) == ((), "", None)


async def test_columns_may_share_a_name(orders: Orders) -> None:
    assert (await orders.ask("SELECT 1 AS a, 2 AS a")).rows == ((1, 2),)


async def test_explain_and_show_answer_with_rows(orders: Orders) -> None:
    assert (await orders.ask("EXPLAIN SELECT 1")).columns[0].name == "QUERY PLAN"
    assert (await orders.ask("SHOW standard_conforming_strings")).rows == (("on",),)
