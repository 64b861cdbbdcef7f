"""A snapshot of a real DuckDB file's names, and what the guard makes of its views and macros."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import pytest_asyncio
from interlock_gateway.adapters.targets import Targets, duck_catalogue
from interlock_gateway.core.model import Classification, Dialect, Effect, Limits, Reads, Target
from interlock_gateway.core.statement import Catalogue, classify_source, translate
from interlock_gateway.service.targets import TargetError

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORLD = """
CREATE TABLE orders (id INTEGER, state VARCHAR, paid DECIMAL(9, 2));
INSERT INTO orders VALUES (1, 'open', 2.50), (2, 'done', 3.00);
CREATE SCHEMA app;
CREATE TABLE app.orders AS SELECT id + 100 AS id FROM orders;
CREATE TABLE app.secrets AS SELECT 'hunter2' AS word;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TYPE pair AS STRUCT(x INTEGER, y mood);
CREATE TABLE people (name VARCHAR, m mood, p pair, shout VARCHAR AS (upper(name)));
CREATE SEQUENCE numbers;
CREATE MACRO twice(x) AS x * 2, (x, y) AS x * y;
CREATE MACRO paid_by(s) AS TABLE SELECT id, paid FROM orders WHERE state = s;
CREATE MACRO kept() AS TABLE SELECT word FROM app.secrets;
CREATE MACRO evil(x) AS nextval('numbers') + x;
CREATE MACRO behind(x) AS evil(x) + 1;
CREATE MACRO leak(x) AS TABLE SELECT content FROM read_text(x);
CREATE MACRO named(x) AS TABLE FROM query_table(x);
CREATE SCHEMA odd;
CREATE MACRO odd.lower(x) AS nextval('numbers');
CREATE MACRO app.total(x) AS x;
CREATE VIEW recent AS SELECT id, twice(paid) AS double FROM orders WHERE state <> 'done';
CREATE VIEW totals AS
  WITH w AS (SELECT state, count(*) AS n, list(id ORDER BY id) AS ids FROM orders GROUP BY ALL)
  SELECT *, n::VARCHAR || '!' AS loud, {'a': n} AS s FROM w;
CREATE VIEW "a AS b" ("c AS d", e) AS SELECT 1, id FROM orders;
CREATE VIEW trap AS SELECT evil(1) AS id;
CREATE VIEW deep AS SELECT id FROM trap;
CREATE VIEW passwords AS SELECT * FROM read_csv('/etc/passwd');
CREATE VIEW file AS SELECT * FROM '{file}';
CREATE VIEW counting AS SELECT nextval('numbers') AS n;
CREATE VIEW app.mine AS SELECT id FROM orders;
CREATE VIEW odd.shouting AS SELECT lower(word) AS word FROM app.secrets;
CREATE SCHEMA hid;
CREATE VIEW hid.orders AS SELECT nextval('numbers') AS id;
CREATE VIEW hid.through AS SELECT id FROM orders;
CREATE SCHEMA app.nested;
CREATE VIEW world.app.nested.orders AS SELECT nextval('numbers') AS id;
"""


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def targets() -> AsyncIterator[Targets]:
    found = Targets(AsWritten())
    yield found
    await found.aclose()


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    folder = tmp_path_factory.mktemp("world")
    (folder / "x.csv").write_text("a,b\n1,2\n")
    with duckdb.connect(folder / "world.duckdb") as connection:
        connection.execute(WORLD.replace("{file}", str(folder / "x.csv")))
    return Target("world", Dialect.DUCKDB, "prod", str(folder / "world.duckdb"))


async def told(targets: Targets, target: Target) -> Catalogue:
    found = await targets.catalogue(target)
    assert found is not None
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def catalogue(targets: Targets, target: Target) -> Catalogue:
    return await told(targets, target)


def verdict(catalogue: Catalogue, sql: str) -> Classification:
    return classify_source("duckdb", sql, catalogue)


READS = [
    ("FROM orders", "main.orders"),
    ("FROM ORDERS", "main.orders"),
    ("FROM main.orders", "main.orders"),
    ("FROM world.orders", "main.orders"),
    ("FROM world.main.orders", "main.orders"),
    ("FROM app.orders", "app.orders"),
    ("FROM World.App.Orders", "app.orders"),
    ("FROM recent", "main.recent"),
    ("SELECT * FROM totals", "main.totals"),
    ('FROM "a AS b"', "main.a as b"),
    ("FROM app.mine", "app.mine"),
    ("SELECT shout, m, p.y FROM people", "main.people"),
    ("SELECT 'good'::mood, NULL::pair", ""),
    ("SELECT twice(3), main.twice(3, 4), 'x'.upper()", ""),
    ("FROM paid_by('open')", "main.orders"),
    ("FROM main.paid_by('open')", "main.orders"),
    ("WITH Recent AS (SELECT 1 AS n) SELECT n FROM recent", "main.recent"),
    ("WITH w AS (SELECT 1 AS n) SELECT n FROM W", ""),
    ("DESCRIBE recent", "main.recent"),
    ("SHOW recent", "main.recent"),
    ("SHOW TABLES", ""),
    ("SUMMARIZE recent", "main.recent"),
    ("PIVOT orders ON state IN ('open') USING count(*)", "main.orders"),
    ("FROM duckdb_tables", "system.duckdb_tables"),
    ("FROM Sqlite_Master", "system.sqlite_master"),
    ("FROM information_schema.tables", "information_schema.tables"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "relation"), READS)
async def test_what_only_reads_is_read_and_its_relations_are_told(
    targets: Targets, target: Target, catalogue: Catalogue, sql: str, relation: str
) -> None:
    found = verdict(catalogue, sql)
    assert (found.effect, ".".join(found.relations or ())) == (Effect.READ, relation), found
    await targets.read(target, translate(Dialect.DUCKDB, sql), {}, Limits())


TRAPS = [
    ("FROM trap", "view main.trap"),
    ("FROM DEEP", "view main.deep"),
    ("SELECT 1 WHERE EXISTS (FROM trap)", "view main.trap"),
    ("DESCRIBE trap", "view main.trap"),
    ("SHOW trap", "view main.trap"),
    ("SUMMARIZE trap", "view main.trap"),
    ("EXPLAIN FROM trap", "view main.trap"),
    ("WITH trap AS (SELECT 1) FROM Trap", "view main.trap"),
    ("FROM counting", "view main.counting"),
    ("FROM passwords", "view main.passwords"),
    ("FROM file", "view main.file"),
    ("SELECT evil(1)", "function main.evil"),
    ("SELECT '1'.evil()", "function main.evil"),
    ("SELECT main.EVIL(1)", "function main.evil"),
    ("SELECT behind(1)", "function main.behind"),
    ("FROM leak('/etc/passwd')", "function main.leak"),
    ("FROM named('app.secrets')", "function main.named"),
    ("SELECT odd.lower('X')", "function odd.lower"),
    ("SELECT app.total(1)", "function app.total"),
    ("FROM odd.shouting", "view odd.shouting"),
    ("FROM hid.through", "view hid.through"),
    ("FROM nested.orders", "unknown relation nested.orders"),
    ("FROM app.nested.orders", "unknown relation app.nested.orders"),
    ("FROM world.app.nested.orders", "node Dot"),
    ("FROM other.main.orders", "unknown relation other.main.orders"),
    ("FROM system.main.duckdb_tables", "unknown relation system.main.duckdb_tables"),
    ("FROM temp.orders", "unknown relation temp.orders"),
    ("FROM no_such_table", "unknown relation no_such_table"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "why"), TRAPS)
async def test_what_acts_behind_a_name_is_no_read_and_named(
    catalogue: Catalogue, sql: str, why: str
) -> None:
    found = verdict(catalogue, sql)
    assert found.effect is not Effect.READ
    assert why in [reason.what for reason in found.reasons], found.reasons


async def test_a_mutation_may_not_call_a_macro_that_acts(catalogue: Catalogue) -> None:
    found = verdict(catalogue, "UPDATE orders SET id = evil(id)")
    assert "function main.evil" in [reason.what for reason in found.reasons]


async def test_a_macro_names_what_it_reads_for_the_statement(catalogue: Catalogue) -> None:
    assert verdict(catalogue, "FROM kept()").relations == ("app.secrets",)


IMPLIED = [
    ('"+"(a, b)', "SELECT 1 + 1"),
    ("list_value(x)", "SELECT [1]"),
    ("lower(x)", "SELECT lower('x')"),
    ("current_setting(x)", "SELECT current_setting('threads')"),
    ("current_date()", "SELECT current_date"),
    ("contains(x, y)", "SELECT 1 IN (SELECT [1, 2])"),
    ("avg(x)", "SUMMARIZE orders"),
    ("upper(x)", "SELECT upper('x')"),
]


@pytest.mark.parametrize(("macro", "sql"), IMPLIED)
async def test_a_macro_in_the_place_of_the_engines_own_function_makes_everything_no_read(
    targets: Targets, tmp_path: Path, macro: str, sql: str
) -> None:
    path = tmp_path / "world.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER); CREATE SEQUENCE s;")
        connection.execute(f"CREATE MACRO {macro} AS nextval('s')")
    shadowed = await told(targets, Target("shadowed", Dialect.DUCKDB, "prod", str(path)))
    for text in (sql, "SELECT 'x'"):
        assert verdict(shadowed, text).effect is Effect.WRITE
    assert classify_source("duckdb", sql).effect is Effect.READ  # as the text alone has it


@pytest.mark.parametrize("name", ["pg_catalog", "information_schema", "main", "World"])
async def test_a_file_may_bear_the_name_of_a_schema(
    targets: Targets, tmp_path: Path, name: str
) -> None:
    path = tmp_path / f"{name}.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE SEQUENCE s; CREATE VIEW trap AS SELECT nextval('s') AS n")
    named = await told(targets, Target("named", Dialect.DUCKDB, "prod", str(path)))
    for sql in (f"FROM {name}.trap", f"FROM {name}.main.trap", "FROM trap"):
        assert verdict(named, sql).effect is not Effect.READ


async def test_a_macro_that_somebody_reviewed_may_be_called(
    targets: Targets, target: Target, catalogue: Catalogue
) -> None:
    reviewed = replace(target, reads=Reads(functions=("main.Behind", "main.named")))
    trusting = await told(targets, reviewed)
    assert trusting != catalogue
    assert verdict(trusting, "SELECT behind(1)").effect is Effect.READ
    assert verdict(trusting, "SELECT evil(1)").effect is not Effect.READ
    statement = translate(Dialect.DUCKDB, "SELECT behind(1)")
    with pytest.raises(TargetError, match="read-only"):  # reviewed, and wrongly: the lock holds
        await targets.read(reviewed, statement, {}, Limits())


HELD = ["SELECT behind(1)", "FROM leak('/etc/passwd')", "FROM named('orders')", "FROM kept(1)"]


@pytest.mark.parametrize("sql", HELD)
async def test_duckdbs_own_parser_follows_macros_too(
    targets: Targets, target: Target, sql: str
) -> None:
    with pytest.raises(TargetError, match=r"Nothing was run|answered"):
        await targets.read(target, translate(Dialect.DUCKDB, sql), {}, Limits())


async def test_names_that_differ_in_case_alone_are_not_followed_to_the_wrong_one() -> None:
    nothing: dict[str, list[list[object]]] = {
        name: [] for name in ("columns", "types", "macros", "own")
    }
    rows = [["main", "\N{KELVIN SIGN}"], ["main", "k"], ["main", "orders"]]
    found = duck_catalogue.catalogue({**nothing, "database": [["x"]], "tables": rows, "views": []})
    assert list(found.relations) == [("main", "orders")]


async def test_a_snapshot_that_says_the_same_is_the_same(
    targets: Targets, target: Target, catalogue: Catalogue
) -> None:
    assert await told(targets, target) == catalogue
    with duckdb.connect(target.read) as connection:
        connection.execute("CREATE OR REPLACE MACRO app.total(x) AS x + 1")
    assert await told(targets, target) != catalogue


@pytest.mark.parametrize(
    ("sql", "query"),
    [
        ("CREATE VIEW v AS SELECT 1 AS a;", "SELECT 1 AS a"),
        ('CREATE VIEW app."a AS b" ("c AS d", e) AS SELECT 1, 2;', "SELECT 1, 2"),
        ("CREATE VIEW v /* AS */ AS FROM t", "FROM t"),
        ("CREATE TABLE t (a INTEGER)", "CREATE TABLE t (a INTEGER)"),
    ],
)
async def test_a_views_query_stands_behind_its_as(sql: str, query: str) -> None:
    assert duck_catalogue.query_of(sql) == query
