"""The DuckDB judge is no proof unless it can fail: each kind of effect is seen by it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz.duckdb_judge import DuckdbJudge
from interlock_gateway.core.model import Dialect, Statement


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckdbJudge]:
    judge = DuckdbJudge(tmp_path_factory.mktemp("judge"))
    yield judge
    judge.close()


def told(judge: DuckdbJudge, *texts: str) -> list[str]:
    return list(judge.run([Statement(Dialect.DUCKDB, text, (), text) for text in texts]))


DUCKDB = [
    ("DELETE FROM t", "it is DELETE"),
    ("SELECT 1; SELECT 2", "it is SELECT, SELECT"),
    ("BEGIN", "it is TRANSACTION"),
    ("SET threads = 2", "it is SET"),
    ("SET VARIABLE x = 1", "it is SET"),
    ("PREPARE x AS SELECT 1", "it is PREPARE"),
    ("CREATE TEMP TABLE x (a INTEGER)", "it is CREATE"),
    ("ATTACH ':memory:' AS x", "it is ATTACH"),
    ("PIVOT t ON a", "it is MULTI"),
    ("UPDATE EXTENSIONS", "it is something unnamed"),
    ("WITH x AS (DELETE FROM u RETURNING *) FROM x", "rows of u"),
    ("EXPLAIN ANALYZE DELETE FROM app.t", "rows of app.t"),
    ("EXPLAIN ANALYZE CREATE MACRO x(a) AS a", "macros"),
    ("EXPLAIN ANALYZE SET VARIABLE x = 1", "variables"),
    ("SELECT evil(1)", "the sequence"),
    ("SELECT app.lower('x')", "the sequence"),
    ("FROM app.range(1)", "the sequence"),
    ("SELECT nextval('s')", "it calls nextval"),
    ("SELECT setseed(0.5)", "it calls setseed"),
    ("SELECT write_log('x')", "it calls write_log"),
    ("FROM query('SELECT 1')", "it calls query"),
    ("FROM glob('*')", "it calls glob"),
    ("FROM 'x.csv'", "files"),
    ("FROM y.parquet", "files"),
    ("EXPLAIN FROM 'z.json'", "files"),
    ("DESCRIBE x.csv", "files"),
    ("FROM histogram('x.csv', a)", "files"),
    ("FROM 'nowhere.csv'", "a file that is forbidden"),
    ("FROM '/etc/passwd.csv'", "a file that is forbidden"),
]


@pytest.mark.parametrize(("sql", "why"), DUCKDB)
def test_duckdb_is_seen_to_do_it(judge: DuckdbJudge, sql: str, why: str) -> None:
    found, after = told(judge, sql, "SELECT * FROM t")

    assert why in found
    assert after == ""  # and nothing of it is left


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t, range(3) AS r(n), unnest([1, 2])",
        "SELECT lower(b), random(), uuid(), currval('s') FROM t WHERE id = 1",
        "EXPLAIN FROM t",
        "DESCRIBE t",
        "SUMMARIZE u",
        "SHOW TABLES",
        "FROM duckdb_settings()",
        "SELECT count(*) FROM range(100000000000000)",
        "SELECT 'x.csv'",
        "SELECT error('x')",
        "no sql at all",
        "SELECT X'\xa0'",
    ],
)
def test_a_read_leaves_nothing_to_see_in_duckdb(judge: DuckdbJudge, sql: str) -> None:
    assert told(judge, sql) == [""]


def test_a_witness_that_is_gone_is_called_again_and_counted(tmp_path: Path) -> None:
    judge = DuckdbJudge(tmp_path)
    try:
        assert told(judge, "SELECT 1") == [""]
        assert judge._witness  # noqa: SLF001  the process itself
        judge._witness.kill()  # noqa: SLF001  likewise
        assert told(judge, "DELETE FROM t", "SELECT 1") == ["it is DELETE", ""]
    finally:
        judge.close()
    assert judge.lost == []
