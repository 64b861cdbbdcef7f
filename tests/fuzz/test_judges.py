"""A judge that cannot fail proves nothing: each kind of effect, given to it directly, is seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from conftest import throw_away_database
from fuzz.hunt import shrunk
from fuzz.postgres_judge import PostgresJudge, volatile_functions
from fuzz.postgres_tree import Tree
from fuzz.seed_file import seeds
from fuzz.sqlite_judge import SqliteJudge
from fuzz.strings import Maker, tokens
from interlock_gateway.core.model import SQL, Dialect, Statement


@pytest.fixture(scope="module")
def postgres_judge(postgres_server: str) -> Iterator[PostgresJudge]:
    with throw_away_database(postgres_server) as database:
        judge = PostgresJudge(database.app)
        yield judge
        judge.close()


@contextmanager
def sqlite_judge(folder: Path) -> Iterator[SqliteJudge]:
    judge = SqliteJudge(folder)
    try:
        yield judge
    finally:
        judge.close()


def told(judge: PostgresJudge | SqliteJudge, dialect: Dialect, sql: str) -> str:
    (why,) = judge.run([Statement(dialect, sql, (), sql)])
    return why


POSTGRES = [
    ("INSERT INTO t (id) VALUES (9)", "INSERT"),
    ("SELECT evil(1)", "a transaction id"),
    ("SELECT 1 @#@ 2", "a transaction id"),
    ("SELECT 'x'::evil_domain", "a transaction id"),
    ("WITH x AS (DELETE FROM u RETURNING *) SELECT * FROM x", "a transaction id"),
    ("EXPLAIN ANALYZE DELETE FROM u", "a transaction id"),
    ("EXPLAIN SELECT 1 INTO TEMP x", "temporary objects"),
    ("SELECT * FROM over_evil", "a transaction id"),
    ("SELECT * FROM secured", "a transaction id"),
    ("SELECT (b).evil FROM t", "a transaction id"),
    ("SELECT ROW(1, 'x')::pair", "a transaction id"),
    ("SELECT evil(1) / 0", "a transaction id"),
    ("SELECT * FROM t FOR SHARE", "locks"),
    ("SELECT pg_advisory_lock(7)", "locks"),
    ("SELECT nextval('s')", "the sequence"),
    ("SELECT set_config('work_mem', '8MB', false)", "settings"),
    ("SELECT set_config('app.user', 'somebody', true)", "own settings"),
    ("SELECT query_to_xml('SELECT evil(1)', true, true, '')", "a transaction id"),
    ("SELECT pg_notify('jobs', 'x')", "leaves something behind"),
    ("SELECT pg_cancel_backend(pg_backend_pid())", "cancelled our own statement"),
    ("SELECT pg_terminate_backend(pg_backend_pid())", "the connection ended"),
    ("SELECT pg_read_file('PG_VERSION')", "a right of its own"),
    ("SELECT 1; SELECT 2", "more than one statement"),
    ("COMMIT", "ended the transaction"),
    ("ROLLBACK", "ended the transaction"),
    ("COMMIT AND CHAIN", "ended the transaction"),
    ("VACUUM", "in a transaction"),
    ("COPY t TO STDOUT", "copies data"),
    ("LISTEN other", "LISTEN"),
    ("PREPARE x AS SELECT 1", "PREPARE"),
    ("DECLARE x CURSOR FOR SELECT 1", "DECLARE"),
    ("DEALLOCATE ALL", "DEALLOCATE"),
    ("SET work_mem = '8MB'", "SET"),
    ("SELECT 1 INTO TEMP x", "a transaction id"),
]


@pytest.mark.postgres
@pytest.mark.parametrize(("sql", "why"), POSTGRES)
def test_the_server_is_seen_to_do_it(postgres_judge: PostgresJudge, sql: str, why: str) -> None:
    assert why in told(postgres_judge, Dialect.POSTGRES, sql)


@pytest.mark.postgres
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t JOIN u ON t.id = u.t_id",
        "EXPLAIN UPDATE t SET a = 1",
        "EXPLAIN WITH w AS (DELETE FROM app.t RETURNING 1) TABLE t FOR SHARE SKIP LOCKED",
        "SELECT lastval()",
        "SHOW work_mem",
        "TABLE pg_locks",
        "SELECT no_such_column",
        "SELECT * FROM pg_authid",
        "no sql at all",
    ],
)
def test_a_read_leaves_nothing_to_see_on_the_server(
    postgres_judge: PostgresJudge, sql: str
) -> None:
    assert told(postgres_judge, Dialect.POSTGRES, sql) == ""


@pytest.mark.postgres
def test_one_bad_statement_among_many_is_the_one_named(postgres_judge: PostgresJudge) -> None:
    texts = ["SELECT 1", "SELECT evil(1) / 0", "SELECT 1/0", "SELECT 2"]

    said = postgres_judge.run([Statement(Dialect.POSTGRES, text, (), text) for text in texts])

    assert [bool(why) for why in said] == [False, True, False, False]


@pytest.mark.postgres
@pytest.mark.parametrize(
    "sql",
    [
        *(sql for sql, _ in POSTGRES if sql.split()[0] not in ("SELECT", "EXPLAIN")),
        "SELECT 1; SELECT 2",
        "SELECT * FROM t FOR UPDATE",
        "SELECT 1 INTO x",
        "EXPLAIN (ANALYZE) INSERT INTO t (id) VALUES (9)",
        "EXPLAIN ANALYZE SELECT 1 INTO x",
        "SELECT pg_export_snapshot()",
        "SELECT * FROM ROWS FROM (pg_catalog.\"pg_notify\"('x', 'y'))",
        "SELECT 1 /*",
    ],
)
def test_the_tree_alone_tells_a_read_from_the_rest(postgres_server: str, sql: str) -> None:
    with psycopg.connect(postgres_server) as connection:
        tree = Tree(volatile_functions(connection))

    assert tree.judge(sql)
    assert not tree.judge("SELECT lower(b), random() FROM t WHERE id = $1")


SQLITE = [
    ("DELETE FROM t", "its bytes"),
    ("DELETE FROM t WHERE false", "action 9"),
    ("INSERT INTO w VALUES (1)", "its bytes"),
    ("INSERT INTO words(words) VALUES ('optimize')", "count of changed rows"),
    ("CREATE TEMP TABLE x (y)", "its temporary bytes"),
    ("PRAGMA user_version = 7", "user_version"),
    ("PRAGMA temp.user_version = 7", "its temporary bytes"),
    ("PRAGMA query_only = 1", "query_only"),
    ("PRAGMA case_sensitive_like = 1", "case_sensitive_like"),
    ("EXPLAIN PRAGMA foreign_keys = 1", "foreign_keys"),
    ("PRAGMA wal_checkpoint", "action"),
    ("BEGIN", "a transaction"),
    ("ATTACH 'other.db' AS other", "attached files"),
    ("VACUUM INTO 'other.db'", "the folder"),
    ("SELECT load_extension('x')", "a trap"),
    ('SELECT "evil"(1)', "a trap"),
    ("SELECT 1; SELECT 2", "more than one statement"),
    ("SELECT 1; DELETE FROM t", "more than one statement"),
]


@pytest.mark.parametrize(("sql", "why"), SQLITE)
def test_sqlite_is_seen_to_do_it(tmp_path: Path, sql: str, why: str) -> None:
    with sqlite_judge(tmp_path) as judge:
        assert why in told(judge, Dialect.SQLITE, sql)
        assert told(judge, Dialect.SQLITE, "SELECT * FROM t") == ""  # and nothing of it is left


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t, json_each(c), pragma_table_info('t')",
        "SELECT bm25(words) FROM words('hello')",
        "EXPLAIN DELETE FROM t",
        "PRAGMA table_info(t)",
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n",
        "no sql at all",
    ],
)
def test_a_read_leaves_nothing_to_see_in_sqlite(tmp_path: Path, sql: str) -> None:
    with sqlite_judge(tmp_path) as judge:
        assert told(judge, Dialect.SQLITE, sql) == ""


@pytest.mark.parametrize("dialect", list(SQL))
def test_the_same_number_makes_the_same_strings(dialect: Dialect) -> None:
    one, other = Maker(dialect, 7), Maker(dialect, 7)

    made = [one.next() for _ in range(300)]

    assert made == [other.next() for _ in range(300)]
    assert len(set(made)) > 250


@pytest.mark.parametrize("dialect", list(SQL))
def test_seeds_are_read_as_they_were_written(dialect: Dialect) -> None:
    assert all(text.strip() for text in seeds(dialect))


def test_what_is_found_is_shrunk_to_what_matters() -> None:
    text = "SELECT lower(b), evil ( 1 ), 'a long text' FROM t WHERE a > 3"

    assert shrunk(text, lambda shorter: "evil(1)" in shorter.replace(" ", "")) == "evil(1)"
    assert "".join(tokens(text)) == text
