"""The cost guard of MariaDB: what a plan looks at, and what is not run because of it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from interlock_gateway.adapters.targets.mysqlcost import Step, looked_at
from interlock_gateway.core.model import Limits
from mysql_target import ROOMY, Maria, Orders, maria

CHEAP = replace(ROOMY, cost=30_000)

WORLD = (
    "CREATE TABLE big (id INT PRIMARY KEY, a INT, s VARCHAR(30), KEY (a))",
    "INSERT INTO big SELECT seq, seq % 100, concat('x', seq) FROM seq_1_to_10000",
    "CREATE TABLE kids (big_id INT)",
    "INSERT INTO kids SELECT seq FROM seq_1_to_500",
    "CREATE VIEW crossed AS SELECT k.big_id FROM kids k, big b",
    "ANALYZE TABLE big, kids",
)


@pytest.fixture(scope="module")
def database() -> Iterator[Maria]:
    with maria() as made:
        made.run(*WORLD)
        yield made


@pytest.fixture
async def orders(database: Maria) -> AsyncIterator[Orders]:
    made = Orders(database.read)
    yield made
    await made.reader.aclose()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM kids, big",
        "SELECT count(*) FROM big AS x JOIN big AS y ON x.s = y.s",
        "SELECT (SELECT count(*) FROM kids WHERE big_id = b.id) AS n FROM big AS b",
        "SELECT id FROM big WHERE EXISTS (SELECT big_id + rand() FROM kids WHERE big_id = a + id)",
        "SELECT * FROM (SELECT k.big_id, count(*) AS n FROM kids k, big b GROUP BY 1) AS x",
        "WITH w AS (SELECT b.id FROM kids k, big b) SELECT max(id) FROM w",
        "SELECT 1 AS n UNION ALL SELECT count(*) FROM kids, big",
        "(SELECT count(*) FROM kids, big) UNION (SELECT 1)",
        "/* why */ SELECT count(*) FROM crossed",
        "# why\nSELECT count(*) FROM kids, big LIMIT 1",
    ],
)
async def test_a_read_that_looks_at_too_many_rows_is_not_run(orders: Orders, sql: str) -> None:
    refusal = await orders.refusal(sql, CHEAP)
    assert refusal.code == "outside-limits"
    assert "its plan looks at" in str(refusal)
    assert "limit is 30,000" in str(refusal)


async def test_without_a_limit_it_runs(orders: Orders) -> None:
    assert (await orders.ask("SELECT count(*) FROM kids, big")).rows == ((5_000_000,),)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "VALUES (1), (2)",
        "SELECT * FROM big WHERE id = 5",
        "SELECT count(*) FROM big WHERE s LIKE '%9%'",
        "SELECT count(*) FROM kids JOIN big ON id = big_id",
        "SELECT a FROM big WHERE id IN (SELECT big_id FROM kids)",
        "SELECT * FROM big WHERE id = (SELECT max(big_id) FROM kids)",
        "SELECT count(*) FROM information_schema.tables",
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION SELECT x + 1 FROM n WHERE x < 9) SELECT x FROM n",
        "SHOW TABLES",
        "DESCRIBE big",
        "EXPLAIN SELECT count(*) FROM kids, big",
        "EXPLAIN FORMAT=JSON SELECT count(*) FROM kids, big",
        "SELECT * FROM big WHERE 1 = 0",
    ],
)
async def test_what_is_cheap_or_only_planned_runs_under_the_limit(
    orders: Orders, sql: str
) -> None:
    assert (await orders.ask(sql, CHEAP)).columns


async def test_values_are_planned_with_and_then_used(orders: Orders) -> None:
    sql = "SELECT count(*) FROM big WHERE a = ? AND id <> ?"
    assert (await orders.ask(sql, CHEAP, a=7, id=1)).rows == ((100,),)


@pytest.mark.parametrize(
    "sql",
    [
        "ANALYZE SELECT 1",
        "analyze format=json SELECT 1",
        "/* x */ EXPLAIN ANALYZE SELECT 1",
    ],
)
async def test_what_runs_without_a_plan_of_its_own_is_refused_under_the_limit(
    orders: Orders, sql: str
) -> None:
    refusal = await orders.refusal(sql, CHEAP)
    assert "outside-limits" in refusal.code or "syntax" in str(refusal)
    assert not sql.lower().startswith("analyze") or refusal.code == "outside-limits"


async def test_planning_is_bounded_by_the_time_limit_as_well(orders: Orders) -> None:
    """MariaDB runs a derived table of one row while it plans."""
    slow = "SELECT * FROM (SELECT benchmark(1000000000, md5(1)) AS n) AS x"
    refusal = await orders.refusal(slow, Limits(seconds=0.3, cost=1e9))
    assert refusal.code == "target-timeout"


# --- how a plan is added up --------------------------------------------------------------------


def steps(*rows: tuple[int, str, float, float]) -> list[Step]:
    return [Step(*row) for row in rows]


def test_tables_of_a_join_multiply() -> None:
    assert looked_at(steps((1, "SIMPLE", 10, 1), (1, "SIMPLE", 5, 1), (1, "SIMPLE", 1, 1))) == 110


def test_rows_that_are_filtered_away_do_not_go_on() -> None:
    assert looked_at(steps((1, "SIMPLE", 100, 0.1), (1, "SIMPLE", 5, 1))) == 150
    assert (
        looked_at(steps((1, "SIMPLE", 10, 0.0), (1, "SIMPLE", 5, 1))) == 15
    )  # never less than one


def test_selects_add_up_and_dependent_ones_count_for_each_row() -> None:
    plain = steps((1, "PRIMARY", 100, 1), (2, "SUBQUERY", 7, 1), (3, "UNION", 3, 1))
    assert looked_at(plain) == 110
    for kind in ("DEPENDENT SUBQUERY", "UNCACHEABLE SUBQUERY"):
        assert looked_at(steps((1, "PRIMARY", 100, 1), (2, kind, 7, 1))) == 800
    nested = steps(
        (1, "PRIMARY", 10, 1), (2, "DEPENDENT SUBQUERY", 10, 1), (3, "DEPENDENT SUBQUERY", 10, 1)
    )
    assert looked_at(nested) == 10 + 100 + 1_000
