"""Values to and from a real MariaDB: each keeps its type, or stays the text it was."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from interlock.wire import decode_cell, encode_value
from interlock_gateway.adapters.targets import mysqltypes
from interlock_gateway.adapters.targets.mysqlpacket import Field, LostError, Packet
from mysql_target import Maria, Orders, maria

TABLE = """CREATE TABLE kinds (
  tiny TINYINT, utiny TINYINT UNSIGNED, small SMALLINT, usmall SMALLINT UNSIGNED,
  medium MEDIUMINT, umedium MEDIUMINT UNSIGNED, plain INT, uplain INT UNSIGNED,
  big BIGINT, ubig BIGINT UNSIGNED, f FLOAT, d DOUBLE, dec65 DECIMAL(65, 30), bits BIT(64),
  one BIT(1), y YEAR, day DATE, moment DATETIME(6), at TIMESTAMP(3) NULL, span TIME(6),
  c CHAR(5), b BINARY(3), vc VARCHAR(50), vb VARBINARY(50), tx TEXT, bl BLOB, long_text LONGTEXT,
  e ENUM('a', 'ü'), s SET('x', 'y', 'z'), g GEOMETRY, j JSON, latin VARCHAR(9) CHARSET latin1,
  zero INT(5) ZEROFILL, u UUID, ip INET6)"""
LOWEST = """INSERT INTO kinds VALUES (-128, 0, -32768, 0, -8388608, 0, -2147483648, 0,
  -9223372036854775808, 0, -3.4e38, -1.7e308,
  -99999999999999999999999999999999999.999999999999999999999999999999, 0, 0, 1901,
  '1000-01-01', '1000-01-01', '1970-01-01 00:00:01', '-838:59:59.999999', '', '', '', '', '', '',
  '', 'a', '', POINT(0, 0), '[]', '', 0, '00000000-0000-0000-0000-000000000000', '::')"""
HIGHEST = """INSERT INTO kinds VALUES (127, 255, 32767, 65535, 8388607, 16777215, 2147483647,
  4294967295, 9223372036854775807, 18446744073709551615, 0.1, 0.1, 1.5, b'11', 1, 2155,
  '9999-12-31', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07.999', '838:59:59.5',
  'ü', x'00ff', 'grün 🦀', x'ff', 'text', x'fffe00', 'long', 'ü', 'x,z', POINT(1, 2),
  '{"a": [1, null]}', 'é', 42, 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', '2001:db8::1')"""
NULLS = "INSERT INTO kinds (tiny) VALUES (NULL)"


@pytest.fixture(scope="module")
def database() -> Iterator[Maria]:
    with maria() as made:
        made.run(TABLE, "SET time_zone = '+00:00'", LOWEST, HIGHEST, NULLS)
        yield made


@pytest.fixture
async def orders(database: Maria) -> AsyncIterator[Orders]:
    made = Orders(database.read)
    yield made
    await made.reader.aclose()


EXTREMES = [
    ("tiny", "integer", -128, 127),
    ("utiny", "integer", 0, 255),
    ("small", "integer", -32768, 32767),
    ("usmall", "integer", 0, 65535),
    ("medium", "integer", -8388608, 8388607),
    ("umedium", "integer", 0, 16777215),
    ("plain", "integer", -(2**31), 2**31 - 1),
    ("uplain", "integer", 0, 2**32 - 1),
    ("big", "integer", -(2**63), 2**63 - 1),
    ("ubig", "integer", 0, 2**64 - 1),
    ("f", "number", -3.4e38, 0.1),
    ("d", "number", -1.7e308, 0.1),
    ("dec65", "numeric", f"-{'9' * 35}.{'9' * 30}", f"1.5{'0' * 29}"),
    ("bits", "integer", 0, 3),
    ("one", "integer", 0, 1),
    ("y", "integer", 1901, 2155),
    ("day", "date", "1000-01-01", "9999-12-31"),
    ("moment", "timestamp", "1000-01-01T00:00:00", "9999-12-31T23:59:59.999999"),
    ("at", "timestamptz", "1970-01-01T00:00:01+00:00", "2038-01-19T03:14:07.999000+00:00"),
    ("span", "interval", "-3020399999999us", "3020399500000us"),
    ("c", "text", "", "ü"),
    ("b", "bytes", "AAAA", "AP8A"),
    ("vc", "text", "", "grün 🦀"),
    ("vb", "bytes", "", "/w=="),
    ("tx", "text", "", "text"),
    ("bl", "bytes", "", "//4A"),
    ("long_text", "text", "", "long"),
    ("e", "text", "a", "ü"),
    ("s", "text", "", "x,z"),
    ("j", "text", "[]", '{"a": [1, null]}'),
    ("latin", "text", "", "é"),
    ("zero", "integer", 0, 42),
    ("u", "text", str(UUID(int=0)), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    ("ip", "text", "::", "2001:db8::1"),
]


@pytest.mark.parametrize(("column", "kind", "lowest", "highest"), EXTREMES)
async def test_every_type_of_column_keeps_its_extremes_and_null(
    orders: Orders, column: str, kind: str, lowest: object, highest: object
) -> None:
    rows = await orders.ask(f"SELECT {column} FROM kinds")  # noqa: S608  a name from above
    assert rows.columns[0].type == kind
    assert rows.rows == ((lowest,), (highest,), (None,))
    for (cell,) in rows.rows:
        decode_cell(kind, cell)


async def test_a_whole_row_with_every_null_is_read_to_its_end(orders: Orders) -> None:
    rows = await orders.ask("SELECT kinds.*, 7 AS last FROM kinds")
    assert [row[-1] for row in rows.rows] == [7, 7, 7]
    assert set(rows.rows[2][:-1]) == {None}


async def test_a_geometry_is_its_bytes_with_the_reference_system_first(orders: Orders) -> None:
    kind, cell = await orders.cell("SELECT g FROM kinds")
    assert kind == "bytes"
    assert decode_cell(kind, cell) == b"\0" * 4 + b"\1\1\0\0\0" + b"\0" * 16


@pytest.mark.parametrize(
    ("kind", "cell", "printed"),
    [
        ("DATE", "0000-00-00", "0000-00-00"),
        ("DATE", "2026-02-00", "2026-02-00"),
        ("DATETIME", "0000-00-00 00:00:00", "0000-00-00 00:00:00"),
        ("DATETIME(3)", "2026-00-01 01:02:03.5", "2026-00-01 01:02:03.500"),
        ("TIMESTAMP NULL", "0000-00-00 00:00:00", "0000-00-00 00:00:00"),
    ],
)
async def test_one_date_that_is_none_makes_its_column_text_and_no_other(
    orders: Orders, database: Maria, kind: str, cell: str, printed: str
) -> None:
    database.run(
        "SET sql_mode = ''",
        f"CREATE OR REPLACE TABLE zeros (d {kind}, e DATE)",
        "INSERT INTO zeros VALUES ('2026-01-02', '2026-01-02')",
        f"INSERT INTO zeros VALUES ('{cell}', '2026-01-02')",  # noqa: S608  a value from above
    )
    rows = await orders.ask("SELECT * FROM zeros")
    assert [column.type for column in rows.columns] == ["text", "date"]
    assert rows.rows[1] == (printed, "2026-01-02")
    assert rows.rows[0][0].startswith("2026-01-02")


NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
THERE_AND_BACK = [
    ("integer", "?", -7),
    ("integer", "?", 2**63 - 1),
    ("integer", "?", -(2**63)),
    ("integer", "?", 2**64 - 1),
    ("numeric", "CAST(? AS DECIMAL(65, 2))", Decimal("12345678901234567890.10")),
    ("numeric", "CAST(? AS DECIMAL(65, 2))", Decimal("-1E+3")),
    ("number", "CAST(? AS DOUBLE)", 0.1),
    ("number", "?", -1.5e300),
    ("text", "?", "grün \\ ' \" ? -- /* */ \0 🦀"),
    ("text", "?", ""),
    ("text", "?", "x" * 300),
    ("text", "?", "x" * 70_000),
    ("bytes", "?", b"\x00\xff'\\"),
    ("bytes", "?", bytes(range(256)) * 300),
    ("timestamp", "CAST(? AS DATETIME(6))", NOW.replace(tzinfo=None)),
    ("date", "CAST(? AS DATE)", date(1999, 12, 31)),
    ("interval", "CAST(? AS TIME(6))", timedelta(hours=-30, microseconds=7)),
    ("interval", "CAST(? AS TIME(6))", timedelta(hours=838, minutes=59, seconds=59)),
    ("text", "?", "NULL"),
]


@pytest.mark.parametrize(("kind", "expression", "value"), THERE_AND_BACK)
async def test_a_value_comes_back_as_it_was_sent(
    orders: Orders, kind: str, expression: str, value: Any
) -> None:
    found, cell = await orders.cell(f"SELECT {expression}", v=value)
    assert (found, decode_cell(found, cell)) == (kind, value)


SENT_AS = [
    ("? = 1", True),
    ("? IS NULL", None),
    ("? = TIMESTAMP'2026-01-02 03:04:05.678901'", NOW.astimezone(timezone(timedelta(hours=5)))),
    ("CAST(? AS TIME) = TIME'23:59:58'", time(23, 59, 58)),
    ("? = '5f1d2f2e-8a4e-4c0e-9d0a-3f2b1c0d9e8f'", UUID("5f1d2f2e-8a4e-4c0e-9d0a-3f2b1c0d9e8f")),
    ("JSON_VALUE(?, '$.a[1]') = 'ü'", {"a": [1, "ü"]}),
    ("? = 18446744073709551616", 2**64),
]


@pytest.mark.parametrize(("condition", "value"), SENT_AS)
async def test_a_value_is_sent_as_what_a_person_means(
    orders: Orders, condition: str, value: object
) -> None:
    assert await orders.cell(f"SELECT {condition}", v=value) == ("integer", 1)


NOT_SENT = [
    float("nan"),
    float("inf"),
    Decimal("NaN"),
    timedelta(hours=839),
    time(1, 2, tzinfo=UTC),
    "\ud800",
    ["\ud800"],
]


@pytest.mark.parametrize("value", NOT_SENT, ids=repr)
async def test_a_value_that_the_engine_does_not_have_is_not_sent(
    orders: Orders, value: object
) -> None:
    refusal = await orders.refusal("SELECT ?", v=value)
    assert refusal.code == "target-failed"
    assert "Nothing was sent" in str(refusal)
    assert await orders.cell("SELECT 1") == ("integer", 1)


async def test_values_too_large_for_one_packet_are_not_sent(orders: Orders) -> None:
    refusal = await orders.refusal("SELECT LENGTH(?)", v="x" * (1 << 24))
    assert "Nothing was sent" in str(refusal)


async def test_a_parameter_used_twice_is_sent_twice(orders: Orders) -> None:
    rows = await orders.ask("SELECT ?, ?, ?", names=("a", "b", "a"), a=1, b="two")
    assert rows.rows == ((1, "two", 1),)


async def test_forty_nulls_among_forty_values_stay_where_they_are(orders: Orders) -> None:
    names = tuple("a" if place % 3 else "none" for place in range(40))
    rows = await orders.ask(f"SELECT {', '.join('?' * 40)}", names=names, a=5, none=None)
    assert rows.rows == (tuple(5 if name == "a" else None for name in names),)


async def test_an_answer_without_rows_still_has_columns(orders: Orders) -> None:
    rows = await orders.ask("SELECT 1 AS one, NOW() AS two FROM dual WHERE 1 = 0")
    assert [(column.name, column.type) for column in rows.columns] == [
        ("one", "integer"),
        ("two", "timestamp"),
    ]
    assert (rows.rows, rows.truncated, rows.affected) == ((), "", None)


async def test_columns_may_share_a_name(orders: Orders) -> None:
    assert (await orders.ask("SELECT 1 AS a, 2 AS a")).rows == ((1, 2),)


@pytest.mark.parametrize(
    ("sql", "head"),
    [
        ("EXPLAIN SELECT 1", "id"),
        ("SHOW TABLES", "Tables_in_"),
        ("SHOW CREATE TABLE kinds", "Table"),
        ("DESCRIBE kinds", "Field"),
        ("SHOW FULL PROCESSLIST", "Id"),
        ("SHOW ENGINE INNODB STATUS", "Type"),
        ("SHOW VARIABLES LIKE 'version'", "Variable_name"),
        ("EXPLAIN FORMAT=JSON SELECT 1", "EXPLAIN"),
    ],
)
async def test_explain_and_show_are_prepared_too(orders: Orders, sql: str, head: str) -> None:
    assert (await orders.ask(sql)).columns[0].name.startswith(head)


# --- what only MySQL sends, by its documented bytes ---------------------------------------------


def column(kind: int, cells: list[mysqltypes.Cell]) -> tuple[str, list[Any]]:
    heads, rows = mysqltypes.table([Field("c", kind)], [(cell,) for cell in cells])
    return heads[0].type, [row[0] for row in rows]


def test_json_of_mysql_is_json() -> None:
    text = json.dumps({"a": [1, None]}).encode()
    assert column(mysqltypes.JSON, [text, None]) == ("json", [{"a": [1, None]}, None])


def test_json_that_cannot_be_said_stays_text() -> None:
    assert column(mysqltypes.JSON, [rb'"\ud800"']) == ("text", [r'"\ud800"'])


def test_bytes_that_are_no_text_are_shown_and_not_lost() -> None:
    assert column(mysqltypes.VAR_STRING, [b"a\xff"]) == ("text", ["a\\xff"])


def test_a_float_that_rounds_beyond_its_own_largest_is_no_crash() -> None:
    decode = mysqltypes.decoder(Field("f", mysqltypes.FLOAT))
    assert decode(Packet(bytes.fromhex("ffff7f7f"))) == pytest.approx(3.4028235e38)
    assert decode(Packet(bytes.fromhex("cdcccc3d"))) == 0.1


def test_a_row_cut_short_is_never_read_past_its_end() -> None:
    decode = mysqltypes.decoder(Field("n", mysqltypes.LONGLONG))
    with pytest.raises(LostError):
        mysqltypes.row(Packet(b"\0\0\1\2\3"), [decode])


def test_what_is_encoded_for_the_wire_is_what_comes_back() -> None:
    assert encode_value(timedelta(hours=-30, microseconds=7))["value"] == "-107999999993us"
    assert column(mysqltypes.TIME, ["-29:59:59.999993"]) == ("interval", ["-107999999993us"])


async def test_a_text_of_the_server_that_is_no_utf8_is_shown_and_ends_nothing(
    orders: Orders,
) -> None:
    """MariaDB 10.11.19 sends what `{:c}` makes of a large number as it is."""
    odd = await orders.cell("SELECT sformat('Character {:c}', 104104)")
    assert odd == ("text", "Character \\xa8")
    assert await orders.cell("SELECT 1") == ("integer", 1)
