"""DuckDB's two looks, each by itself: sqlglot's tree without the tokens, and the tokens alone."""

import pytest
from interlock_gateway.core.model import Dialect, Effect
from interlock_gateway.core.statement import glot, names
from interlock_gateway.core.statement.opinion import NotUnderstoodError

BOTH_SEE = [
    ("SELECT * FROM 'x.csv'", "file x.csv"),
    ("SELECT * FROM a JOIN x.csv ON true", "file x.csv"),
    ('SELECT * FROM "s3://b/x"', "file s3://b/x"),
    ("SELECT app.lower(x)", "function app.lower"),
    ('SELECT "app"."lower"(x)', "function app.lower"),
    ("SELECT * FROM app.thing(3)", "function app.thing"),
    ("SELECT * FROM histogram('x.csv', a)", "table histogram"),
    ("SELECT evil(1)", "function evil"),
    ("SELECT 'x'.evil()", "function evil"),
    ("SELECT DISTINCT ON (a) evil(a) FROM t", "function evil"),
    ("SELECT * FROM t, evil(1) e(a)", "function evil"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "what"), BOTH_SEE)
def test_the_tree_alone_sees_it(text: str, what: str) -> None:
    found = [reason.what.replace('"', "") for reason in glot.opinion(Dialect.DUCKDB, text).reasons]

    assert what in found


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * REPLACE ((SELECT 1 FROM other) AS a) FROM t",
        "SELECT t.* REPLACE (ARRAY(SUMMARIZE other) AS a) FROM t",
        "SELECT * EXCLUDE (b) REPLACE (EXISTS (FROM other) AS a) FROM t",
        "SELECT COLUMNS(* REPLACE ((FROM other) AS a)) FROM t",
    ],
)
def test_what_stands_in_a_star_is_looked_at_too(text: str) -> None:
    assert set(glot.opinion(Dialect.DUCKDB, text).tables) == {"t", "other"}


def test_a_join_behind_a_set_operation_was_read_into_the_wrong_side() -> None:
    found = glot.opinion(Dialect.DUCKDB, "SELECT 1 UNION DESCRIBE orders POSITIONAL JOIN jobs")
    assert "set operation" in [reason.what for reason in found.reasons]


@pytest.mark.parametrize(("text", "what"), BOTH_SEE)
def test_the_tokens_alone_see_it(text: str, what: str) -> None:
    found = [
        reason.what.replace('"', "") for reason in names.reasons(Dialect.DUCKDB, text, "select")
    ]

    assert what in found


@pytest.mark.parametrize(
    "text",
    [
        'SELECT n, i FROM (VALUES (1)) t(n), range(3) r(i), u v(j) JOIN "w" x(k) ON true',
        "SELECT count(*) FROM t USING SAMPLE 100 ROWS (system)",
        "SELECT extract(year FROM '2020.01.csv'), trim('/' FROM '/a/')",
        "SELECT a::DECIMAL(10, 2), x.y, options['a'], (b)[1] FROM t",
        "WITH a(x) AS NOT MATERIALIZED (SELECT 1), b(y) USING KEY (y) AS (SELECT 2) FROM a",
    ],
)
def test_the_tokens_see_no_call_where_there_is_none(text: str) -> None:
    assert list(names.reasons(Dialect.DUCKDB, text, "select")) == []


@pytest.mark.parametrize(
    "text",
    ["PIVOT t ON a", "PIVOT t ON a IN ()", "PIVOT t ON a & b IN (1), c", "FROM (PIVOT t ON a)"],
)
def test_only_a_pivot_with_its_values_is_one_statement(text: str) -> None:
    effects = [reason.effect for reason in glot.opinion(Dialect.DUCKDB, text).reasons]

    assert Effect.SESSION in effects
    assert glot.opinion(Dialect.DUCKDB, "PIVOT t ON a IN (1), (b, c) IN (2)").reasons == ()


@pytest.mark.parametrize(
    "text",
    [
        "EXPLAIN",
        "EXPLAIN ANALYZE",
        "EXPLAIN ANALYZE FROM t",
        "EXPLAIN ANALYZE (FORMAT JSON) SELECT 1",
        "EXPLAIN (ANALYZE) SELECT 1",
        "EXPLAIN (FORMAT JSON, ANALYZE) SELECT 1",
        "EXPLAIN (FORMAT JSON)",
        "SHOW 'x'",
        "SHOW a.b",
        "SHOW TABLES FROM a.b",
        "SHOW TABLES FROM",
        "SHOW a b",
    ],
)
def test_the_small_grammar_gives_up_on_every_other_shape(text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        glot.opinion(Dialect.DUCKDB, text)
