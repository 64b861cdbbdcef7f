"""What a huge value in MariaDB costs the gateway: its limit, and not the value."""

import asyncio
from collections.abc import Iterator

import pytest
from interlock_gateway.core.model import Dialect, Limits
from mysql_target import Maria, maria
from peak_memory import asked

LIMITS = Limits(bytes=4 << 20, seconds=60)
MOST = 96
"""MiB: the limit as bytes, as text and as JSON, and what the interpreter does not give back."""

HUGE = "REPEAT('x', 16000000)"
STATEMENTS = [
    f"SELECT {HUGE}",
    f"SELECT {', '.join([HUGE] * 30)}",
    f"SELECT {HUGE} FROM seq_1_to_100",  # noqa: S608  ours
    "SELECT REPEAT('x', 4000000) FROM seq_1_to_1000",
    "SELECT REPEAT('x', 1000) FROM seq_1_to_1000000",
    f"SELECT UNHEX(REPEAT('ff', 8000000)), {HUGE}",
    "SELECT GROUP_CONCAT(REPEAT('x', 10000)) FROM seq_1_to_10000",
]


@pytest.fixture(scope="module")
def database() -> Iterator[Maria]:
    with maria() as made:
        yield made


async def test_a_huge_value_costs_no_more_memory_than_the_limit(database: Maria) -> None:
    told = await asyncio.to_thread(asked, Dialect.MARIADB, database.read, LIMITS, STATEMENTS)
    assert [one.sql for one in told] == STATEMENTS
    assert [one for one in told if one.grown > MOST] == []
    assert [one.said for one in told[:4]] == ["bytes (4,194,304)"] * 4
    assert all(one.said for one in told), told  # none of them is answered in full
