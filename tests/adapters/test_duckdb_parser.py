"""DuckDB's own parser as second opinion, without any target."""

from collections.abc import Iterator

import pytest
from interlock_gateway.adapters.duckdb_parser import DuckdbParser
from interlock_gateway.core.model import Dialect, Effect, Statement
from interlock_gateway.core.statement import translate
from sql_cases import Case, cases


@pytest.fixture(scope="module")
def parser() -> Iterator[DuckdbParser]:
    parser = DuckdbParser()
    yield parser
    parser.close()


@pytest.mark.parametrize("case", list(cases("duckdb_reads")), ids=lambda case: case.place)
def test_reads_are_seen_without_doubt(parser: DuckdbParser, case: Case) -> None:
    assert parser.doubt(translate(Dialect.DUCKDB, case.sql)) is None


# To DuckDB these are reads; the guard is stricter.
_STRICTER = ("SELECT ?", "SELECT `a`", "SHOW TABLES FROM app.x")
_IN_QUOTES = ("x'orders'", "n'orders'", "b'orders'", "E'orders'", "$$orders$$")
EFFECTS = [
    case
    for case in cases("duckdb_effects")
    if not case.sql.startswith(_STRICTER) and not any(one in case.sql for one in _IN_QUOTES)
]


@pytest.mark.parametrize("case", EFFECTS, ids=lambda case: case.place)
def test_everything_else_is_doubted(parser: DuckdbParser, case: Case) -> None:
    doubt = parser.doubt(translate(Dialect.DUCKDB, case.sql))

    assert doubt is not None
    assert (doubt.effect, doubt.what) == (Effect.UNKNOWN, "DuckDB's own parser")
    assert doubt.detail.endswith(".")


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT 1; SELECT 2", "SELECT, SELECT"),
        ("-- nothing", "nothing"),
        ("DELETE FROM t", "DELETE"),
        ("PIVOT t ON a", "MULTI"),
        ("WITH x AS (DELETE FROM t RETURNING *) FROM x", "DELETE_QUERY_NODE"),
        ("SELECT evil(1)", "evil()"),
        ("SELECT 'x'.evil()", "evil()"),
        ("SELECT app.lower(x)", "may be a macro"),
        ("FROM app.range(3)", "may be a macro"),
        ("FROM 'a.csv'", "name of a file"),
        ("DESCRIBE a.csv", "name of a file"),
        ("FROM (SHOW 'a.csv')", "name of a file"),
        ("FROM histogram(t, a)", "only data"),
        ("FROM duckdb_logs", "no table of data"),
        ("SELECT " + "(" * 3_000 + "1" + ")" * 3_000, "does not understand"),
    ],
)
def test_a_doubt_says_what_duckdb_sees(parser: DuckdbParser, sql: str, why: str) -> None:
    doubt = parser.doubt(Statement(Dialect.DUCKDB, sql, (), sql))

    assert doubt is not None
    assert why.removeprefix("no ") in doubt.detail


def test_nothing_runs_while_it_is_asked(parser: DuckdbParser) -> None:
    for sql in ("CREATE TABLE x (a INTEGER)", "SET VARIABLE x = 1", "COPY (SELECT 1) TO 'x.csv'"):
        assert parser.doubt(Statement(Dialect.DUCKDB, sql, (), sql)) is not None
    for sql in ("FROM x", "SELECT getvariable('x')"):
        assert parser.doubt(Statement(Dialect.DUCKDB, sql, (), sql)) is None
