"""Masked columns of real targets: what the snapshot says, and what comes out of each engine."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from interlock.testing.postgres import Database
from interlock_gateway.adapters.catalogues import Snapshots
from interlock_gateway.adapters.targets.duck import DuckdbReader
from interlock_gateway.adapters.targets.mysql import MysqlReader
from interlock_gateway.adapters.targets.postgres import PostgresReader
from interlock_gateway.adapters.targets.sqlite import SqliteReader
from interlock_gateway.core.model import Dialect, Effect, Limits, Target
from interlock_gateway.core.statement import classify, shown_rows, translate
from mysql_target import Maria, maria

WORLD = """
CREATE TABLE customers (id int, email varchar(40), name varchar(40));
INSERT INTO customers VALUES (1, 'ann@example.com', 'Ann'), (2, 'bob@example.com', 'Bob');
CREATE TABLE orders (id int, customer_id int);
INSERT INTO orders VALUES (7, 1);
CREATE VIEW people AS SELECT id, email AS mail, name AS email FROM customers;
CREATE VIEW shouted AS SELECT upper(p.mail) AS mail, p.email FROM people AS p;
"""
MORE = """
CREATE MATERIALIZED VIEW kept AS SELECT email, id FROM customers;
CREATE TABLE customers_old () INHERITS (customers);
INSERT INTO customers_old VALUES (3, 'cid@example.com', 'Cid');
"""


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference.removeprefix("path:")


class Asked:
    """A reader of one engine and the target it reads."""

    def __init__(self, reader: Any, target: Target) -> None:
        self.target = target
        self._reader = reader
        self._names = Snapshots(reader)

    async def shown(self, sql: str) -> list[list[Any]]:
        """Return the rows as they are delivered."""
        statement = translate(self.target.dialect, sql)
        names = await self._names.catalogue(self.target)
        found = classify(statement, names)
        assert found.effect is Effect.READ, found.reasons
        rows = await self._reader.read(self.target, statement, {}, Limits())
        return [list(row) for row in shown_rows(self.target, found, rows).rows]

    async def effect(self, sql: str) -> Effect:
        """Return what the guard makes of it."""
        names = await self._names.catalogue(self.target)
        return classify(translate(self.target.dialect, sql), names).effect


@pytest.fixture
async def postgres(postgres_database: Database) -> AsyncIterator[Asked]:
    with psycopg.connect(postgres_database.app, autocommit=True) as connection:
        for statement in filter(str.strip, (WORLD + MORE).split(";\n")):
            connection.execute(statement.encode())
    reader = PostgresReader(AsWritten())
    masked = {"public.customers.email": "pii"}
    yield Asked(
        reader, Target("shop", Dialect.POSTGRES, "prod", postgres_database.read, masked=masked)
    )
    await reader.aclose()


@pytest.fixture(scope="module")
def shop() -> Iterator[Maria]:
    with maria() as made:
        made.run(*filter(str.strip, WORLD.split(";\n")))
        made.run(
            "CREATE TABLE keyed (id int PRIMARY KEY, email varchar(40))",
            "INSERT INTO keyed SELECT id, email FROM customers",
        )
        yield made


@pytest.fixture
async def mariadb(shop: Maria) -> AsyncIterator[Asked]:
    reader = MysqlReader(AsWritten())
    masked = {f"{shop.name}.{table}.email": "pii" for table in ("customers", "keyed")}
    yield Asked(reader, Target("shop", Dialect.MARIADB, "prod", shop.read, masked=masked))
    await reader.aclose()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Asked]:
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as connection:
        connection.executescript(WORLD)
    connection.close()
    reader = SqliteReader(AsWritten())
    masked = {"main.customers.email": "pii"}
    yield Asked(reader, Target("shop", Dialect.SQLITE, "prod", f"path:{file}", masked=masked))
    await reader.aclose()


@pytest.fixture
async def in_duckdb(tmp_path: Path) -> AsyncIterator[Asked]:
    file = tmp_path / "shop.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(WORLD)
        connection.execute(
            "CREATE MACRO letter_of(i) AS (SELECT left(email, 1) FROM customers WHERE id = i)"
        )
    reader = DuckdbReader(AsWritten())
    masked = {"main.customers.email": "pii"}
    yield Asked(reader, Target("shop", Dialect.DUCKDB, "prod", f"path:{file}", masked=masked))
    await reader.aclose()


@pytest.fixture(
    params=[pytest.param("postgres", marks=pytest.mark.postgres), "mariadb", "sqlite", "in_duckdb"]
)
def target(request: pytest.FixtureRequest) -> Asked:
    """One engine after the other, each with the same tables."""
    asked: Asked = request.getfixturevalue(request.param)
    return asked


SHOWN = [
    ("SELECT id, email FROM customers ORDER BY id LIMIT 1", [[1, "[pii]"]]),
    ("SELECT * FROM customers WHERE email = 'ann@example.com'", [[1, "[pii]", "Ann"]]),
    ("SELECT * FROM people WHERE id = 1", [[1, "[pii]", "Ann"]]),
    ("SELECT * FROM shouted WHERE email = 'Bob'", [["[pii]", "Bob"]]),
    ("SELECT count(email), count(*) FROM customers WHERE id < 3", [[2, 2]]),
    ("SELECT s.e FROM (SELECT email AS e FROM customers WHERE id = 2) AS s", [["[pii]"]]),
    ("SELECT (SELECT email FROM customers WHERE id = 1) AS e, 5 AS n", [["[pii]", 5]]),
    ("SELECT name FROM customers WHERE id = 1 UNION ALL SELECT email FROM customers", None),
    ("SELECT o.*, c.email FROM orders AS o JOIN customers AS c ON c.id = 1", [[7, 1, "[pii]"]]),
    ("SELECT * FROM orders AS o JOIN customers AS c USING (id)", []),
    ("WITH c AS (SELECT * FROM customers) SELECT * FROM c WHERE id = 1", None),
]


@pytest.mark.parametrize(("sql", "rows"), SHOWN)
async def test_masked_values_do_not_come_out(
    target: Asked, sql: str, rows: list[list[Any]] | None
) -> None:
    shown = await target.shown(sql)

    assert "@example" not in str(shown).lower()
    assert rows is None or shown == rows


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT lower(email) FROM customers",
        "SELECT id FROM people WHERE mail LIKE 'a%'",
        "SELECT email FROM shouted ORDER BY mail",
    ],
)
async def test_what_could_tell_them_is_refused(target: Asked, sql: str) -> None:
    assert await target.effect(sql) is Effect.EXFILTRATION


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT * FROM kept WHERE id = 1", [["[pii]", 1]]),
        ("SELECT email FROM customers_old", [["[pii]"]]),
        ("SELECT c FROM customers AS c WHERE id = 2", [["[pii]"]]),
    ],
)
async def test_copies_and_children_of_a_masked_table_are_masked(
    postgres: Asked, sql: str, rows: list[list[Any]]
) -> None:
    assert await postgres.shown(sql) == rows


@pytest.mark.postgres
async def test_statistics_of_masked_columns_are_refused(postgres: Asked) -> None:
    sql = "SELECT most_common_vals FROM pg_stats WHERE tablename = 'customers'"
    assert await postgres.effect(sql) is Effect.EXFILTRATION


async def test_a_macro_is_not_called_where_columns_are_masked(in_duckdb: Asked) -> None:
    """Its text becomes the statement's, and nobody sees which columns that names."""
    sql = "SELECT letter_of(id) FROM customers"
    assert await in_duckdb.effect(sql) is Effect.EXFILTRATION


async def test_a_plan_of_mariadb_prints_no_masked_value(mariadb: Asked) -> None:
    """It looks the one row of a key up while it plans, and prints it in the conditions."""
    sql = "SELECT b.id FROM keyed AS a JOIN keyed AS b ON a.email = b.email WHERE a.id = 1"
    shown = await mariadb.shown(f"EXPLAIN FORMAT=JSON {sql}")

    assert "@example" not in str(shown)


async def test_a_plan_of_duckdb_prints_no_masked_value(in_duckdb: Asked) -> None:
    """Of a join that it has run it prints by which values it filtered."""
    sql = "SELECT b.id FROM customers AS a JOIN customers AS b ON a.email = b.email WHERE a.id = 1"
    assert "@example" not in str(await in_duckdb.shown(f"EXPLAIN ANALYZE {sql}"))


@pytest.mark.postgres
async def test_plans_of_postgresql_and_sqlite_print_nothing_that_was_looked_up(
    postgres: Asked, sqlite: Asked
) -> None:
    """Their plans are shown as they are: they hold what the statement itself says."""
    sql = "SELECT b.id FROM customers AS a JOIN customers AS b ON a.email = b.email WHERE a.id = 1"
    plans = [
        await postgres.shown(f"EXPLAIN (ANALYZE, VERBOSE, BUFFERS) {sql}"),
        await sqlite.shown(f"EXPLAIN {sql}"),
        await sqlite.shown(f"EXPLAIN QUERY PLAN {sql}"),
    ]

    assert all(plans)
    assert "@example" not in str(plans)
    assert "[pii]" not in str(plans)
