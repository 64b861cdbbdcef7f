"""A snapshot of a real MariaDB's relations, and what the guard makes of its views."""

from collections.abc import Iterator

import pytest
from interlock_gateway.adapters.targets.mysql import MysqlReader
from interlock_gateway.core.model import Dialect, Effect, Target
from interlock_gateway.core.statement import Catalogue, classify_source
from mysql_target import AsWritten, Maria, maria

WORLD = """
CREATE TABLE orders (id INT PRIMARY KEY, state VARCHAR(20) CHARSET utf8mb4, paid DECIMAL(9, 2));
CREATE TABLE items (order_id INT, item TEXT, FOREIGN KEY (order_id) REFERENCES orders (id));
CREATE FUNCTION evil(x INT) RETURNS INT NOT DETERMINISTIC RETURN GET_LOCK('evil', 0);
CREATE VIEW recent AS
  SELECT id, concat(upper(state), ' x') AS s FROM orders
   WHERE state <> 'done' AND paid BETWEEN 1 AND 2.5 ORDER BY id DESC LIMIT 10;
CREATE VIEW totals AS
  SELECT o.id, count(*) AS n, cast(sum(o.paid) AS CHAR) AS paid,
         if(max(i.item) IS NULL, 'none', 'some') AS items, date_add(now(), INTERVAL 1 DAY) AS day
    FROM orders o LEFT JOIN items i ON i.order_id = o.id GROUP BY o.id;
CREATE VIEW ranked AS
  WITH w AS (SELECT id, row_number() OVER (ORDER BY paid) AS r FROM orders)
  SELECT * FROM w WHERE r < 3;
CREATE VIEW trap AS SELECT evil(1) AS x;
CREATE VIEW deep AS SELECT x FROM trap;
CREATE VIEW locking AS SELECT GET_LOCK('x', 1) AS x;
CREATE SEQUENCE numbers;
CREATE VIEW counting AS SELECT NEXT VALUE FOR numbers AS n;
"""


@pytest.fixture(scope="module")
def database() -> Iterator[Maria]:
    with maria() as made:
        made.run(*filter(str.strip, WORLD.split(";\n")))
        yield made


async def seen_by(url: str) -> Catalogue:
    """Return the snapshot that the login of `url` takes."""
    reader = MysqlReader(AsWritten())
    try:
        return await reader.catalogue(Target("orders", Dialect.MARIADB, "prod", url))
    finally:
        await reader.aclose()


@pytest.fixture
async def catalogue(database: Maria) -> Catalogue:
    return await seen_by(database.read)


def effect(catalogue: Catalogue, sql: str) -> Effect:
    return classify_source("mariadb", sql, catalogue).effect


async def test_tables_and_views_of_plain_queries_are_read(
    catalogue: Catalogue, database: Maria
) -> None:
    for sql in (
        "SELECT * FROM orders",
        "SELECT * FROM recent",
        "SELECT * FROM totals AS t JOIN orders USING (id)",
        "SELECT * FROM ranked",
        f"SELECT * FROM `{database.name}`.recent",  # noqa: S608  our own name
        "WITH w AS (SELECT 1 AS n) SELECT n FROM w",
        "SELECT * FROM information_schema.tables",
        "SELECT 1 FROM dual",
    ):
        verdict = classify_source("mariadb", sql, catalogue)
        assert verdict.effect is Effect.READ, (sql, verdict.reasons)


async def test_a_view_is_what_it_calls(catalogue: Catalogue) -> None:
    assert effect(catalogue, "SELECT * FROM trap") is Effect.UNKNOWN
    assert effect(catalogue, "SELECT 1 WHERE EXISTS (SELECT 1 FROM deep)") is Effect.UNKNOWN
    assert effect(catalogue, "SELECT * FROM locking") is not Effect.READ
    assert effect(catalogue, "SELECT * FROM counting") is not Effect.READ
    assert effect(catalogue, "SELECT * FROM no_such_table") is Effect.UNKNOWN
    assert effect(catalogue, "SELECT * FROM sys.version") is not Effect.READ


async def test_a_view_whose_query_the_login_may_not_see_is_unknown(database: Maria) -> None:
    found = await seen_by(database.url(database.database.read))  # SELECT alone
    (reason,) = classify_source("mariadb", "SELECT * FROM recent", found).reasons
    assert reason.effect is Effect.UNKNOWN
    assert "grant it SHOW VIEW" in reason.detail


async def test_the_same_relations_have_the_same_version(
    catalogue: Catalogue, database: Maria
) -> None:
    assert await seen_by(database.read) == catalogue
