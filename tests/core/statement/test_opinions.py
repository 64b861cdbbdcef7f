"""Each parser's opinion by itself, without the gate or the other parser before it."""

import pytest
from interlock_gateway.core.model import Dialect, Effect, Statement
from interlock_gateway.core.statement import classify, glot, libpg
from interlock_gateway.core.statement.neutral import neutralised
from interlock_gateway.core.statement.opinion import NotUnderstoodError, Opinion
from sql_cases import Case, cases

# To the engine itself these are harmless: the gate is stricter, and only sqlglot looks for them.
_STRICTER = ("SELECT 1 /*!", "SELECT $é$", "SELECT a$$b", "WITH RECURSIVE n(x)")
EFFECTS = [case for case in cases("postgres_effects") if not case.sql.startswith(_STRICTER)]


@pytest.mark.parametrize("case", EFFECTS, ids=lambda case: case.place)
def test_libpg_query_alone_passes_nothing_as_a_read(case: Case) -> None:
    try:
        found = libpg.opinion(case.sql)
    except Exception:  # noqa: BLE001  whatever it does, it is no yes
        return
    assert found.effect is not Effect.READ


@pytest.mark.parametrize("text", ["SELECT 1; SELECT 2", "", "-- nothing"])
def test_each_parser_takes_exactly_one_statement(text: str) -> None:
    for opinion in (libpg.opinion, lambda text: glot.opinion(Dialect.POSTGRES, text)):
        with pytest.raises(NotUnderstoodError, match=r"statements, not one"):
            opinion(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("SELECT JSON_VALUE('{}', '$.a')", "node JsonFuncExpr"),
        ("DELETE FROM t WHERE CURRENT OF c", "node CurrentOfExpr"),
        ("SELECT a FROM t ORDER BY a USING ===", "operator ==="),
        ("SELECT a FROM t WHERE a === ANY (SELECT b FROM u)", "operator ==="),
        ("SELECT * FROM t TABLESAMPLE evil (1)", "function evil"),
        ("UPDATE t SET a.pg_read_file = 1", "attribute pg_read_file"),
        ("SELECT a FROM t FOR UPDATE", "node SelectStmt.lockingClause"),
    ],
)
def test_libpg_query_names_what_is_not_listed(text: str, what: str) -> None:
    assert what in [reason.what for reason in libpg.opinion(text).reasons]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("SELECT evil(1)", "function evil"),
        ("SELECT a FROM t FOR UPDATE", "node Lock"),
        ("SELECT * INTO x FROM t", "node Into"),
        ("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", "node Delete"),
        ("SELECT f(x => 1), list_filter(a, b -> b > 1)", "node Lambda"),
    ],
)
def test_sqlglot_names_what_is_not_listed(text: str, what: str) -> None:
    found = [reason.what for reason in glot.opinion(Dialect.POSTGRES, text).reasons]

    assert what in found


def test_sqlglot_alone_decides_on_parts_of_a_sqlite_query() -> None:
    text = "SELECT * FROM t PIVOT (sum(a) FOR b IN ('x'))"

    assert "node Pivot" in [r.what for r in glot.opinion(Dialect.SQLITE, text).reasons]


def test_parsers_that_see_different_statements_make_it_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(glot, "opinion", lambda *_: Opinion("insert"))
    text = "SELECT 'seen differently'"

    verdict = classify(Statement(Dialect.POSTGRES, text, (), text))

    assert (verdict.effect, verdict.reasons[-1].what) == (Effect.UNKNOWN, "disagreement")


@pytest.mark.parametrize("error", [RecursionError("deep"), MemoryError(), KeyError("x")])
def test_a_parser_that_breaks_makes_it_unknown(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(_: str) -> Opinion:
        raise error

    monkeypatch.setattr(libpg, "opinion", broken)
    text = f"SELECT 'broken by {error!r}'"

    verdict = classify(Statement(Dialect.POSTGRES, text.replace("'", "$$"), (), text))

    assert verdict.effect is Effect.UNKNOWN


def test_what_is_made_neutral_keeps_its_length_and_its_quotes() -> None:
    text = "SELECT box '(1,~=,2)' ~= b /* ~= */ FROM t ORDER BY a USING > -- &<|"

    neutral = neutralised(Dialect.POSTGRES, text)

    assert neutral == "SELECT     '(1,~=,2)' =  b /* ~= */ FROM t ORDER BY a         -- &<|"
    assert neutralised(Dialect.SQLITE, text) == text


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        (Dialect.POSTGRES, 'EXPLAIN ("analyze") SELECT 1'),
        (Dialect.POSTGRES, "EXPLAIN (COSTS OFF, RUN) SELECT 1"),
        (Dialect.POSTGRES, "EXPLAIN VERBOSE ANALYZE SELECT 1"),
        (Dialect.POSTGRES, "EXPLAIN (COSTS OFF"),
        (Dialect.POSTGRES, "EXPLAIN"),
        (Dialect.POSTGRES, "SHOW"),
        (Dialect.POSTGRES, "SHOW 'x'"),
        (Dialect.SQLITE, "EXPLAIN QUERY PLAN"),
        (Dialect.SQLITE, "EXPLAIN EXPLAIN SELECT 1"),
    ],
)
def test_the_small_grammar_gives_up_on_every_other_shape(dialect: Dialect, text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        glot.opinion(dialect, text)
