"""A snapshot of a real SQLite file, and what the guard makes of its views and tables."""

import sqlite3
from contextlib import aclosing, closing
from pathlib import Path

import pytest
from interlock_gateway.adapters.targets import Targets
from interlock_gateway.adapters.targets.sqlite_catalogue import EPONYMOUS, query_of_view, snapshot
from interlock_gateway.core.model import Classification, Dialect, Effect, Target
from interlock_gateway.core.statement import Catalogue, classify_source
from interlock_gateway.core.statement.rules import rules

WORLD = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT, size AS (length(state)));
CREATE TABLE Secret (password TEXT);
CREATE VIEW recent AS SELECT id, upper(state) AS s FROM orders ORDER BY id DESC LIMIT 10;
CREATE VIEW IF NOT EXISTS "two names" (a, "b c") AS -- a remark
  WITH w AS (SELECT id, state FROM orders) SELECT * FROM w;
CREATE VIEW hidden AS SELECT 1 IN secret AS x;
CREATE VIEW trap AS SELECT load_extension('x') AS y;
CREATE VIEW deep AS SELECT y FROM TRAP;
CREATE VIEW broken AS SELECT * FROM nowhere;
CREATE VIRTUAL TABLE words USING fts5(body);
CREATE VIRTUAL TABLE pages USING dbstat;
CREATE TABLE "Ä" (x); CREATE TABLE "ä" (x);
"""


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "orders.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(WORLD)
    return path


@pytest.fixture(scope="module")
def catalogue(path: Path) -> Catalogue:
    with closing(sqlite3.connect(path)) as connection:
        return snapshot(connection)


def found(catalogue: Catalogue, sql: str) -> Classification:
    return classify_source("sqlite", sql, catalogue)


@pytest.mark.parametrize(
    ("sql", "named", "reached"),
    [
        ("SELECT * FROM Orders", ["orders"], ["orders"]),
        ('SELECT * FROM main."ORDERS"', ["orders"], ["orders"]),
        ("SELECT * FROM recent", ["recent"], ["recent", "orders"]),
        ('SELECT a FROM "Two Names"', ["two names"], ["two names", "orders"]),
        ("SELECT x FROM hidden", ["hidden"], ["hidden", "secret"]),
        ("SELECT 1 FROM orders WHERE 'a' IN Secret", ["secret", "orders"], ["secret", "orders"]),
        ("SELECT 'a' IN 'secret'", ["secret"], ["secret"]),
        ("SELECT 'a' IN main.secret", ["secret"], ["secret"]),
        ("EXPLAIN QUERY PLAN SELECT * FROM recent", ["recent"], ["recent", "orders"]),
        ("PRAGMA table_info(secret)", ["secret"], ["secret"]),
        ("PRAGMA main.table_xinfo('Secret')", ["secret"], ["secret"]),
        ("SELECT * FROM words WHERE words MATCH 'x'", ["words"], ["words"]),
        ("SELECT name FROM sqlite_schema", ["sqlite_schema"], ["sqlite_schema"]),
        ("WITH W AS (SELECT 1 AS n) SELECT n FROM w", [], []),
        ("SELECT value FROM json_each('[1]')", [], []),
        ("SELECT name FROM pragma_table_list", ["pragma_table_list"], ["pragma_table_list"]),
    ],
)
def test_a_read_tells_what_it_names_and_what_is_behind_it(
    catalogue: Catalogue, sql: str, named: list[str], reached: list[str]
) -> None:
    verdict = found(catalogue, sql)
    assert verdict.effect is Effect.READ, verdict.reasons
    assert sorted(verdict.relations or ()) == sorted(f"main.{name}" for name in named)
    assert sorted(verdict.reached) == sorted(f"main.{name}" for name in reached)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT * FROM trap", "Behind the view main.trap: load_extension()"),
        ("SELECT 1 WHERE EXISTS (SELECT 1 FROM deep)", "Behind the view main.deep"),
        ("SELECT * FROM nowhere", "not in the target's catalogue"),
        ("SELECT * FROM broken", "nowhere is not in the target's catalogue"),
        ("SELECT * FROM temp.orders", "not in the target's catalogue"),
        ("SELECT * FROM pages", "What its module does when it is read is not known"),
        ('SELECT * FROM "ä"', "not in the target's catalogue"),
        ("PRAGMA table_info(nowhere)", "not in the target's catalogue"),
    ],
)
def test_what_acts_or_is_not_known_is_no_read(catalogue: Catalogue, sql: str, words: str) -> None:
    verdict = found(catalogue, sql)
    assert verdict.effect is not Effect.READ
    assert words in " ".join(reason.detail for reason in verdict.reasons)


def test_a_relation_has_its_columns_in_order(catalogue: Catalogue) -> None:
    columns = {
        name: list(catalogue.relations["main", name].columns)
        for name in ("orders", "two names", "words", "broken", "sqlite_master")
    }
    assert columns == {
        "orders": ["id", "state", "size"],
        "two names": ["a", "b c"],
        "words": ["body"],
        "broken": [],
        "sqlite_master": ["type", "name", "tbl_name", "rootpage", "sql"],
    }


@pytest.mark.parametrize(
    ("sql", "query"),
    [
        ("CREATE VIEW v AS SELECT 1", "SELECT 1"),
        ("CREATE VIEW [a (b] (x, 'y') AS\nVALUES (1, 2)", "VALUES (1, 2)"),
        ("CREATE VIEW IF NOT EXISTS main.v AS SELECT 1", "SELECT 1"),
        ("CREATE VIEW as_as AS/**/SELECT 1", "/**/SELECT 1"),
        ("CREATE VIEW v (a", ""),
        ("CREATE VIEW v SELECT 1", ""),
        ("CREATE TABLE v AS SELECT 1", ""),
        ("", ""),
    ],
)
def test_the_query_of_a_view_stands_behind_as(sql: str, query: str) -> None:
    assert query_of_view(sql) == query


def test_a_view_of_another_shape_than_sqlite_writes_is_unknown(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "odd", isolation_level=None)) as connection:
        connection.executescript(
            "CREATE VIEW v AS SELECT 1; PRAGMA writable_schema = ON;"
            "UPDATE sqlite_schema SET sql = 'CREATE TEMP VIEW v AS SELECT 1' WHERE name = 'v';"
        )
        verdict = found(snapshot(connection), "SELECT * FROM v")
    assert verdict.effect is Effect.UNKNOWN


async def test_a_target_gives_its_snapshot_and_the_same_file_the_same(path: Path) -> None:
    target = Target("orders", Dialect.SQLITE, "prod", str(path))
    async with aclosing(Targets(AsWritten())) as targets:
        first = await targets.catalogue(target)
        assert first is not None
        assert first == await targets.catalogue(target)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE more (x)")
        assert first != await targets.catalogue(target)


def test_every_table_that_is_there_without_being_made_is_known() -> None:
    """Whatever the engine has more of, such as `dbstat`, the guard refuses by its name."""
    with closing(sqlite3.connect(":memory:")) as connection:
        modules = {row[0] for row in connection.execute("SELECT name FROM pragma_module_list")}
        there = set()
        for name in modules | EPONYMOUS:
            try:
                connection.execute(f'SELECT * FROM "{name}" LIMIT 0')  # noqa: S608  its own names
            except sqlite3.OperationalError:
                continue
            there.add(name)
    refused = set(rules(Dialect.SQLITE).syntax["tables"]["refused"].split())
    assert there - EPONYMOUS - refused == set()


# --- what a file can make SQLite call without a word in the statement ---------------------------

_PLAIN = {"->", "->>", "subtype", "sqlite_compileoption_get"}  # they only compute


def test_no_column_of_a_file_calls_a_function_that_acts() -> None:
    """The authorizer is not asked about generated columns; `trusted_schema` is what holds."""
    listed = rules(Dialect.SQLITE).functions | _PLAIN
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM pragma_function_list")]
        acting = sorted(set(names) - listed)
        passed = [name for name in acting if _calls(connection, name)]
    assert {"load_extension", "fts3_tokenizer"} <= set(acting)
    assert passed == ["sqlite_log", "zeroblob"]  # a line on stderr at most; a bounded value


def _calls(connection: sqlite3.Connection, function: str) -> bool:
    """Tell whether a column generated by `function` of one or two arguments can be read."""
    for arguments in ("1", "1, 2"):
        connection.execute("PRAGMA trusted_schema = ON")
        try:
            connection.execute("DROP TABLE IF EXISTS g")
            connection.execute(f"CREATE TABLE g (a, b AS ({function}({arguments})))")
            connection.execute("INSERT INTO g (a) VALUES (1)")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("SELECT b FROM g").fetchall()
        except sqlite3.Error:
            continue
        return True
    return False
