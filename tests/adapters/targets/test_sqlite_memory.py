# ruff: noqa: S608  the statements are ours
"""What a huge value in SQLite costs the gateway: a bounded amount, and a refusal that says why."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from interlock_gateway.adapters.targets import sqlite_lock, sqlite_watch
from interlock_gateway.adapters.targets.sqlite_parser import program
from interlock_gateway.core.model import Dialect, Limits, Statement
from peak_memory import asked

LIMITS = Limits(bytes=4 << 20, seconds=3)
MOST = (sqlite_watch.MEMORY >> 20) + 128
"""MiB: what a read may grow by before it is stopped, and what one step may add to that."""

ROWS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 300)"
BIG = "hex(zeroblob(10000000))"
STATEMENTS = [
    "SELECT hex(zeroblob(500000000))",
    "SELECT zeroblob(32000000)",
    "SELECT randomblob(1000000000)",
    f"SELECT {', '.join(f'hex(zeroblob(15000000 + {n}))' for n in range(60))}",
    f"SELECT {', '.join(f'zeroblob(30000000 + {n})' for n in range(500))}",
    f"{ROWS} SELECT group_concat({BIG}) FROM r",
    f"{ROWS} SELECT json_group_array({BIG}) FROM r",
    f"{ROWS} SELECT json_group_object(n, {BIG}) FROM r",
    f"SELECT json_array({', '.join(f'hex(zeroblob(15000000 + {n}))' for n in range(60))})",
    f"SELECT json_array({', '.join(['x'] * 100)}) FROM (SELECT {BIG} AS x LIMIT 1)",
    f"{ROWS} SELECT DISTINCT n || {BIG} FROM r",
    f"{ROWS} SELECT {BIG} FROM r",
    f"{ROWS} SELECT max(x) FROM (SELECT n || {BIG} AS x FROM r ORDER BY 1)",
    f"{ROWS} SELECT replace({BIG}, '0', '12345678901') FROM r",
    "SELECT json('[' || replace(hex(zeroblob(4000000)), '0', '1,') || '1]')",
    "SELECT CAST(zeroblob(30000000) AS TEXT)",
]

"""Each has a value that is too long."""

ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)"
JUST_SHORT = [
    "SELECT randomblob(16000000)",
    "SELECT hex(zeroblob(5500000))",
    f"SELECT {', '.join(f'hex(zeroblob(90000 + {n}))' for n in range(60))}",
    f"SELECT {', '.join(f'zeroblob(65000 + {n})' for n in range(500))}",
    f"{ENDLESS} SELECT json_group_array(hex(zeroblob(450000))) FROM r",
    f"{ENDLESS} SELECT json_group_object(n, hex(zeroblob(450000))) FROM r",
    f"{ENDLESS} SELECT json_group_array(n) FROM r",
    f"SELECT json_array({', '.join('x' * 99)}) FROM (SELECT hex(zeroblob(450000)) AS x LIMIT 1)",
    f"{ENDLESS} SELECT n || hex(zeroblob(2000000)) FROM r",
    f"{ENDLESS} SELECT max(x) FROM (SELECT n || hex(zeroblob(1000000)) AS x FROM r ORDER BY 1)",
    f"{ENDLESS} SELECT count(DISTINCT n || hex(zeroblob(1000000))) FROM r",
    "SELECT json('[' || replace(hex(zeroblob(700000)), '0', '1,') || '1]')",
    "SELECT CAST(zeroblob(16000000) AS TEXT)",
    f"{ENDLESS} SELECT group_concat(n) OVER (ORDER BY n) FROM r",
]
"""The values of each are as long as they may be, and so are too many of them."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "orders.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER)")
    return path


@pytest.mark.parametrize("statements", [STATEMENTS, JUST_SHORT], ids=["long", "just short"])
async def test_a_huge_value_costs_a_bounded_amount_of_memory(
    path: Path, statements: list[str]
) -> None:
    told = await asyncio.to_thread(asked, Dialect.SQLITE, str(path), LIMITS, statements)
    assert [one.sql for one in told] == statements
    assert [(one.sql[:80], one.grown) for one in told if one.grown > MOST] == []
    assert all(one.said for one in told if one.sql in STATEMENTS), told  # none is answered in full


async def test_a_refusal_names_the_limit_that_a_value_exceeds(path: Path) -> None:
    one, many = await asyncio.to_thread(
        asked, Dialect.SQLITE, str(path), LIMITS, [STATEMENTS[0], STATEMENTS[3]]
    )
    assert "target-failed" in one.said
    assert "a value of more than 11,184,810 bytes" in one.said
    assert "a value of more than 186,413 bytes" in many.said


def cells(sql: str) -> int:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        statement = Statement(Dialect.SQLITE, sql, (), sql)
        return program(connection, statement, sqlite_lock.reading).cells


def test_the_more_values_a_statement_makes_at_once_the_shorter_they_are() -> None:
    assert cells("SELECT 1") == 1
    assert cells("SELECT 1, 2, 3") == 3
    assert cells("SELECT upper('a') || lower('b')") == 4
    assert cells("SELECT json_array(1)") > cells("SELECT upper(1)") + 20
    assert cells("EXPLAIN QUERY PLAN SELECT 1") == 4
